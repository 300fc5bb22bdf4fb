// Which addresses may have an account of their own.
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { canonicalLogin, domainOfLogin } from '../protocol/canonical-login.ts';
import { readEmail } from '../protocol/email-address.ts';

export type JudgedAddress =
  /** Canonical, as at sign-in. */
  | { readonly ok: true; readonly email: string }
  | { readonly ok: false; readonly reason: 'address' | 'domain' }
  /** People of this domain have their account at a source; its name. */
  | { readonly ok: false; readonly reason: 'elsewhere'; readonly source: string };

type Rules = Pick<TenantDefinition, 'registration' | 'sources'>;

/** May everybody begin to make an account? By invitation alone nobody may. */
export const isRegistrationOpen = ({ registration }: Pick<Rules, 'registration'>): boolean =>
  registration !== undefined && registration.mode !== 'invited';

/** For people whom an operator invites, whatever the mode is. */
export const judgeInvitedAddress = (typed: string, { sources }: Rules): JudgedAddress => {
  const read = readEmail(canonicalLogin(typed));
  if (!read.ok) return { ok: false, reason: 'address' };
  const domain = domainOfLogin(read.email) ?? '';
  const home = sources.find(({ type, domains }) => type !== 'local' && domains.includes(domain));
  if (home !== undefined) return { ok: false, reason: 'elsewhere', source: home.displayName };
  return { ok: true, email: read.email };
};

/** For everybody else. The rules are public: they say nothing about accounts. */
export const judgeAddress = (typed: string, rules: Rules): JudgedAddress => {
  const judged = judgeInvitedAddress(typed, rules);
  const { mode, domains = [] } = rules.registration ?? {};
  if (!judged.ok || mode === 'open') return judged;
  return mode === 'domains' && domains.includes(domainOfLogin(judged.email) ?? '')
    ? judged
    : { ok: false, reason: 'domain' };
};
