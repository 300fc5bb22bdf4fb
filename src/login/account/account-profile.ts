// Name and language of the person who is signed in, and the user name where the tenant lets people change it. People whose
// name comes from a source choose their language alone.
import type { Context } from 'koa';
import { z } from 'zod';
import { languageOf } from '../../accounts/account-notices.ts';
import { hasOwnProfile } from '../../accounts/managed-elsewhere.ts';
import type { RenameOutcome } from '../../accounts/profile-change.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import { readForm } from '../../web/body.ts';
import type { ProfileProblem } from '../../web/page-problems.ts';
import { sendPage } from '../../web/send-page.ts';
import { csrfField } from '../interaction-form.ts';
import type { LoginPageParts } from '../login-form.ts';
import { announce, endOf, restOf, type TimedNotice } from '../login-problems.ts';
import { type LoginTenant, lookOf } from '../login-tenant.ts';
import { goToAccount } from './account-pages.ts';
import {
  type AccountVisit,
  accountCsrfToken,
  accountUrl,
  personOf,
  profileUrl,
  refuseForeignForm,
  usernameUrl,
  visitOrSignIn,
  visitRecently,
} from './account-visit.ts';

interface ProfileNotice {
  readonly problem: ProfileProblem;
  readonly name: string;
}

export const showProfile = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const url = profileUrl(tenant);
  const visit = await visitOrSignIn(ctx, tenant, url);
  if (visit === undefined) return;
  const { account } = visit;
  const last = parts.notices.last<ProfileNotice>({ ctx, url });
  const { problem, name } = last?.isNew === true ? last.notice : {};
  const { name: current } = account.claims;
  sendPage(ctx, parts.pages, {
    name: 'account-profile',
    status: announce(parts.log, ctx, definedOnly({ problem })),
    model: {
      action: url,
      csrf: accountCsrfToken(parts.csrf, visit),
      accountUrl: accountUrl(tenant),
      ...(hasOwnProfile(account)
        ? {
            name: name ?? (typeof current === 'string' ? current : ''),
            language: languageOf(account) ?? '',
          }
        : { language: languageOf({ ...account, claims: {} }) ?? '' }),
      ...definedOnly({ problem }),
    },
    look: lookOf(ctx, tenant),
  });
};

const profileForm = z.object({
  csrf: csrfField,
  name: z.string().max(1000).default(''),
  language: z.enum(['en', 'de', '']).catch('').default(''),
});

export const submitProfile = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const { csrf, name, language } = await readForm(ctx, profileForm);
  const url = profileUrl(tenant);
  const visit = await visitOrSignIn(ctx, tenant, url);
  if (visit === undefined) return;
  refuseForeignForm(parts.csrf, visit, csrf);
  const change = {
    locale: language === '' ? null : language,
    ...(hasOwnProfile(visit.account) ? { name: name.trim() === '' ? null : name } : {}),
  };
  const outcome = await tenant.profile.change(visit.account, change, personOf(visit));
  if (outcome.ok) return goToAccount(ctx, tenant, { outcome: 'profile_changed' });
  const notice: ProfileNotice = { problem: 'name', name: name.slice(0, 200) };
  parts.notices.show({ ctx, url }, notice);
};

interface UsernameNotice extends TimedNotice {
  readonly problem: ProfileProblem;
  readonly username: string;
}

/** @throws AppError `not_found` */
const refuseFixedUsername = ({ definition }: LoginTenant, account: AccountVisit['account']): void => {
  if (!definition.accounts.usernameChange || !hasOwnProfile(account))
    throw new AppError('not_found', 'User names are not changed here');
};

export const askForUsername = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const url = usernameUrl(tenant);
  const visit = await visitRecently(parts, ctx, { tenant, url });
  if (visit === undefined) return;
  refuseFixedUsername(tenant, visit.account);
  const last = parts.notices.last<UsernameNotice>({ ctx, url });
  const { problem, username = visit.account.username, until } = last?.isNew === true ? last.notice : {};
  const shown = { ...definedOnly({ problem }), ...restOf(parts, definedOnly({ until })) };
  sendPage(ctx, parts.pages, {
    name: 'account-username',
    status: announce(parts.log, ctx, shown),
    model: {
      ...shown,
      action: url,
      csrf: accountCsrfToken(parts.csrf, visit),
      accountUrl: accountUrl(tenant),
      username,
    },
    look: lookOf(ctx, tenant),
  });
};

const usernameForm = z.object({ csrf: csrfField, username: z.string().max(1000).default('') });

export const submitUsername = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const { csrf, username } = await readForm(ctx, usernameForm);
  const url = usernameUrl(tenant);
  const visit = await visitRecently(parts, ctx, { tenant, url });
  if (visit === undefined) return;
  refuseForeignForm(parts.csrf, visit, csrf);
  refuseFixedUsername(tenant, visit.account);
  const outcome = await tenant.profile.rename(visit.account, username, personOf(visit));
  if (outcome.ok) return goToAccount(ctx, tenant, { outcome: 'username_changed' });
  const notice: UsernameNotice = {
    problem: problemOf(outcome),
    username: username.slice(0, 256),
    ...endOf(parts, outcome.reason === 'throttled' ? outcome.retryAfterSeconds : undefined),
  };
  parts.notices.show({ ctx, url }, notice);
};

const problemOf = ({ reason }: Extract<RenameOutcome, { readonly ok: false }>): ProfileProblem =>
  renameProblems[reason];

const renameProblems = {
  address: 'username_address',
  elsewhere: 'username',
  not_offered: 'username',
  taken: 'username_taken',
  throttled: 'throttled',
  username: 'username',
} as const;
