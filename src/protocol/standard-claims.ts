/**
 * OpenID Connect Core section 5.1, without the claims that have a field of their own in an account: `sub`,
 * `preferred_username`, `email`, `email_verified` and `updated_at`.
 */
export const standardClaims = [
  'name',
  'given_name',
  'family_name',
  'middle_name',
  'nickname',
  'profile',
  'picture',
  'website',
  'gender',
  'birthdate',
  'zoneinfo',
  'locale',
  'phone_number',
  'phone_number_verified',
  'address',
] as const;
