// The person who is signed in wants the account deleted.
import type { Context } from 'koa';
import { z } from 'zod';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import { canonicalLogin } from '../../protocol/canonical-login.ts';
import { readForm } from '../../web/body.ts';
import { localeOf } from '../../web/locale.ts';
import { sendPage } from '../../web/send-page.ts';
import { csrfField } from '../interaction-form.ts';
import type { LoginPageParts } from '../login-form.ts';
import { announce } from '../login-problems.ts';
import { type LoginTenant, lookOf } from '../login-tenant.ts';
import {
  type AccountVisit,
  accountCsrfToken,
  accountUrl,
  personOf,
  refuseForeignForm,
  visitWithFactorRecently,
} from './account-visit.ts';

export const deletionUrl = (tenant: LoginTenant): string => `${accountUrl(tenant)}/delete`;

interface DeletionNotice {
  readonly problem?: 'other_username';
  /** Epoch milliseconds: the person has asked, and the account will be deleted then. */
  readonly deleteAt?: number;
}

export const askForDeletion = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const last = parts.notices.last<DeletionNotice>({ ctx, url: deletionUrl(tenant) });
  const { problem, deleteAt } = last?.isNew === true ? last.notice : {};
  if (deleteAt !== undefined) return showBegun(parts, ctx, { tenant, deleteAt });
  const visit = await visitWithFactorRecently(parts, ctx, { tenant, url: deletionUrl(tenant) });
  if (visit !== undefined) show(parts, visit, problem);
};

/** Nobody is signed in: all sessions have ended. */
const showBegun = (
  parts: LoginPageParts,
  ctx: Context,
  { tenant, deleteAt }: { readonly tenant: LoginTenant; readonly deleteAt: number },
): void =>
  sendPage(ctx, parts.pages, {
    name: 'account-deleted',
    model: { deleteAt, signInUrl: tenant.provider.issuer },
    look: lookOf(ctx, tenant),
  });

const show = (parts: LoginPageParts, visit: AccountVisit, problem?: 'other_username'): void => {
  const { ctx, tenant, account } = visit;
  const { deletion, definition } = tenant;
  const reason = deletion.refusalFor(account);
  const sources = (account.identities ?? []).flatMap(
    ({ source }) => definition.sources.find(({ id }) => id === source)?.displayName ?? [],
  );
  sendPage(ctx, parts.pages, {
    name: 'account-delete',
    status: announce(parts.log, ctx, definedOnly({ problem })),
    model: {
      username: account.username,
      accountUrl: accountUrl(tenant),
      csrf: accountCsrfToken(parts.csrf, visit),
      exportAction: `${accountUrl(tenant)}/export`,
      sources,
      ...(reason === undefined
        ? { action: deletionUrl(tenant), deleteAt: deletion.dueAt(account) }
        : { refusal: reason }),
      ...definedOnly({ problem }),
    },
    look: lookOf(ctx, tenant),
  });
};

const fields = z.object({ csrf: csrfField, username: z.string().max(256).default('') });

/** The user name is typed, so that nobody deletes an account by one click too many. */
export const submitDeletion = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const { csrf, username } = await readForm(ctx, fields);
  const visit = await visitWithFactorRecently(parts, ctx, { tenant, url: deletionUrl(tenant) });
  if (visit === undefined) return;
  refuseForeignForm(parts.csrf, visit, csrf);
  const { account } = visit;
  const place = { ctx, url: deletionUrl(tenant) };
  const isTyped = canonicalLogin(username) === canonicalLogin(account.username);
  if (!isTyped) return parts.notices.show(place, { problem: 'other_username' } satisfies DeletionNotice);
  const locale = localeOf(ctx, tenant.definition.locale);
  const begun = await tenant.deletion.begin(account, { ...personOf(visit), locale });
  if (!begun.ok)
    throw new AppError('forbidden', 'You cannot delete this account yourself. Ask the administrator.');
  parts.notices.show(place, { deleteAt: begun.deleteAt } satisfies DeletionNotice);
};
