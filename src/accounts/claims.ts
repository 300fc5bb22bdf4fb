import type { SourceDefinition } from '../config/source/source-definition.ts';
import { definedOnly } from '../defined-only.ts';
import { standardClaims } from '../protocol/standard-claims.ts';
import type { AccountRecord } from '../storage/storage.ts';

/** Names in a mapping that have a field of their own in the account, or another scope. */
const placed: ReadonlySet<string> = new Set([
  ...standardClaims,
  ...['username', 'preferred_username', 'email', 'email_verified', 'groups', 'roles', 'updated_at'],
]);

/** Claims beyond the standard ones that the mappings of these sources make; they belong to the scope `profile`. */
export const furtherClaims = (sources: readonly SourceDefinition[]): readonly string[] => {
  const made = sources.flatMap(({ mapping }) =>
    mapping.flatMap((step) =>
      step.step === 'rename' ? [step.to] : step.step === 'default' ? [step.of] : [],
    ),
  );
  return [...new Set(made)].filter((name) => !placed.has(name));
};

/** A BCP 47 tag, as the person chose it or a source wrote it. */
export const localeClaimOf = ({
  chosenLocale,
  claims,
}: Pick<AccountRecord, 'chosenLocale' | 'claims'>): string | undefined =>
  chosenLocale ?? (typeof claims.locale === 'string' ? claims.locale : undefined);

export type Claims = Readonly<Record<string, unknown>> & { readonly sub: string };

/**
 * All claims of an account, with those of its own tenant (`further`); the provider engine picks those whose scope was
 * granted. Groups and roles are an exception: they are present only with a scope of their own name, as the engine
 * ties them to `openid`.
 */
export const claimsOf = (
  account: AccountRecord,
  scopes: ReadonlySet<string>,
  further: readonly string[] = [],
): Claims => ({
  ...Object.fromEntries(
    [...standardClaims, ...further]
      .filter((name) => account.claims[name] != null)
      .map((name) => [name, account.claims[name]]),
  ),
  ...definedOnly({ locale: localeClaimOf(account) }),
  sub: account.sub,
  preferred_username: account.username,
  // apps that identify people by their address do not all look at `email_verified`
  ...(account.email !== undefined && account.emailVerified === true
    ? { email: account.email, email_verified: true }
    : {}),
  ...(scopes.has('groups') ? { groups: [...account.groups] } : {}),
  ...(scopes.has('roles') ? { roles: [...account.roles] } : {}),
  updated_at: Math.floor(account.updatedAt / 1000),
});
