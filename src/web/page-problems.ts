// What a page says is wrong, by the keys of its words in `views/locales`.

/** Each has its words in `login.problem`. */
export type LoginProblem =
  | 'account_disabled'
  | 'account_locked'
  | 'cancelled'
  | 'confirm'
  | 'credentials'
  | 'hours_restricted'
  | 'invalid'
  | 'missing'
  | 'missing_name'
  | 'no_source'
  /** The passkey is not known here, not right, or its person may not sign in. */
  | 'passkey'
  | 'password_change_required'
  | 'password_expired'
  | 'source_settings'
  | 'throttled'
  | 'unavailable'
  | 'upstream_unavailable'
  | 'workstation_restricted';

/** Each has its words in `changePassword.problem`. */
export type PasswordProblem =
  | 'credentials'
  | 'different'
  | 'missing'
  | 'not_offered'
  | 'password_change_required'
  | 'password_expired'
  | 'policy'
  | 'source_settings'
  | 'throttled'
  | 'unavailable';

/** Each has its words in `factor.problem`. */
export type FactorProblem =
  | 'code'
  /** The code of a mail. */
  | 'email_code'
  /** The person has as many as one may have. */
  | 'limit'
  | 'missing_code'
  | 'passkey'
  /** The page was open for too long. */
  | 'set_up_expired'
  | 'throttled'
  | 'too_many_mails';

/** Each has its words in `register.problem`. */
export type RegistrationProblem =
  | 'address'
  | 'code'
  | 'different'
  | 'domain'
  /** People of this domain sign in at a source. */
  | 'elsewhere'
  /** There is an account with this address, whose mails the person can read. */
  | 'known'
  | 'link'
  | 'missing'
  | 'missing_code'
  /** The service that allows registrations did not answer. */
  | 'not_checked'
  | 'person_name'
  | 'policy'
  | 'refused'
  | 'throttled'
  | 'username'
  | 'username_taken';

/** Each has its words in `email.problem`. */
export type EmailProblem =
  /** It is not one plain address. */
  | 'address'
  | 'code'
  | 'elsewhere'
  | 'email_taken'
  | 'link'
  | 'missing_code'
  /** The account has it already. */
  | 'same'
  | 'throttled';

/** Each has its words in `account.profile.problem`. */
export type ProfileProblem =
  | 'name'
  | 'throttled'
  | 'username'
  /** It is an e-mail address, and not the person's own. */
  | 'username_address'
  | 'username_taken';

/** Why no key is made. Each has its words in `account.keys.problem`. */
export type KeyProblem = 'key_address' | 'key_limit' | 'key_mails' | 'key_note' | 'key_services';

/** Why a new key stays refused. The words are in `account.keys.problem` too. */
export type KeyCodeProblem = 'code' | 'key_address' | 'key_limit' | 'missing_code' | 'throttled';

/** Why a sign-in or a form does not go on. Each has its words in `over`. */
export type SignInOver =
  /** It took too long, or was finished or cancelled before. */
  | 'expired'
  | 'form_out_of_date'
  | 'not_finished'
  /** It was begun there, or this browser has lost its cookies. */
  | 'other_browser'
  | 'other_person'
  /** What came back from another sign-in page came before, too late, or to another browser. */
  | 'returned'
  /** It is complete. */
  | 'signed_in';

/** Why a sign-in that began at a service failed. Each has its words in `serviceProblem`. */
export type ServiceProblem =
  | 'expired'
  | 'invalid'
  | 'not_served'
  | 'not_signed_in'
  | 'too_weak'
  | 'unknown_ticket';
