// The form of a new account, to which the link or code of a mail leads. Opening it changes nothing: programs that look into
// mails open links too.
import type { Context } from 'koa';
import { z } from 'zod';
import type { NewAccountOutcome, Registrant } from '../accounts/new-account.ts';
import { definedOnly } from '../defined-only.ts';
import { readForm } from '../web/body.ts';
import type { LoginPageParts } from './login-form.ts';
import type { LoginTenant } from './login-tenant.ts';
import { factsOf, refuseOtherSites, tokenOf } from './mailed-form.ts';
import {
  accountFormUrl,
  goToSignIn,
  languageIn,
  localeIn,
  placesOf,
  type RegistrationModel,
  type RegistrationVisit,
  showRegistration,
} from './registration-page.ts';

type Parts = Pick<LoginPageParts, 'pages' | 'log' | 'notices'>;

export const askForNewAccount = async (parts: Parts, ctx: Context, tenant: LoginTenant): Promise<void> => {
  const visit = { ctx, tenant, ...languageIn(ctx) };
  placesOf(visit);
  const token = tokenOf(ctx);
  const registrant = await tenant.registration.find(token);
  if (registrant === undefined) return showGone(parts, visit);
  showForm(parts, visit, { token, registrant });
};

const accountForm = z.object({
  name: z.string().max(256).default(''),
  username: z.string().max(256).default(''),
  new_password: z.string().default(''),
  repeated: z.string().default(''),
});

export const submitNewAccount = async (parts: Parts, ctx: Context, tenant: LoginTenant): Promise<void> => {
  const visit = { ctx, tenant, ...languageIn(ctx) };
  placesOf(visit);
  refuseOtherSites(ctx);
  const token = tokenOf(ctx);
  const { name, username, new_password: password, repeated } = await readForm(ctx, accountForm);
  const registrant = await tenant.registration.find(token);
  if (registrant === undefined) return showGone(parts, visit);
  const again = (problem: Problem): void =>
    showForm(parts, visit, { token, registrant, typed: { name, username, ...problem } });
  if (name.trim() === '' || password === '' || repeated === '') return again({ problem: 'missing' });
  if (password !== repeated) return again({ problem: 'different' });
  const locale = localeIn(visit);
  const outcome = await tenant.registration.finish({
    ...{ link: token, name, username, password, locale },
    ...factsOf(ctx),
  });
  if (outcome.ok) {
    const { account, interaction } = outcome;
    const { asksNameFirst } = tenant.accounts.choose({});
    return goToSignIn(
      parts,
      { ...visit, ...definedOnly({ interaction }) },
      { login: account.username, ...(asksNameFirst ? { step: 'password' } : {}) },
    );
  }
  if (outcome.reason === 'link') return showGone(parts, visit);
  again(problemOf(outcome));
};

type Problem = Pick<RegistrationModel, 'problem' | 'rule' | 'retryAfterSeconds'>;

const problemOf = (refused: Exclude<NewAccountOutcome, { readonly ok: true }>): Problem => {
  switch (refused.reason) {
    case 'policy':
      return { problem: 'policy', rule: refused.message };
    case 'throttled':
      return { problem: 'throttled', retryAfterSeconds: refused.retryAfterSeconds };
    case 'name':
      return { problem: 'person_name' };
    case 'taken':
      return { problem: 'username_taken' };
    default:
      return { problem: refused.reason };
  }
};

const showForm = (
  parts: Parts,
  visit: RegistrationVisit,
  {
    token,
    registrant,
    typed,
  }: {
    readonly token: string;
    readonly registrant: Registrant;
    readonly typed?: Pick<RegistrationModel, 'name' | 'username'> & Problem;
  },
): void => {
  const { email, mayChooseUsername } = registrant;
  const action = accountFormUrl(visit, token);
  showRegistration(parts, visit, { step: 'account', action, email, mayChooseUsername, ...typed });
};

const showGone = (parts: Parts, visit: RegistrationVisit): void =>
  showRegistration(parts, visit, {
    step: 'address',
    action: placesOf(visit).start ?? '',
    problem: 'link',
  });
