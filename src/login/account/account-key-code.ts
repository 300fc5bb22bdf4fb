// A new API key of the person, where the tenant asks for the code of a mail: the key is refused until the code is entered.
import type { Context } from 'koa';
import { z } from 'zod';
import { codeAddressOf, type KeyCodeRequest } from '../../accounts/api-keys/key-verification.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import { readForm } from '../../web/body.ts';
import { localeOf } from '../../web/locale.ts';
import type { KeyCodeProblem } from '../../web/page-problems.ts';
import { sendPage } from '../../web/send-page.ts';
import { demoMailUrl } from '../demo-mail.ts';
import { csrfField } from '../interaction-form.ts';
import type { LoginPageParts } from '../login-form.ts';
import { announce, endOf, restOf, type TimedNotice } from '../login-problems.ts';
import { type LoginTenant, lookOf } from '../login-tenant.ts';
import {
  type AccountVisit,
  accountCsrfToken,
  browserAtAccount,
  keysUrl,
  personOf,
  refuseForeignForm,
  submittedBy,
  visitWithFactor,
} from './account-visit.ts';

export interface OneKey {
  readonly tenant: LoginTenant;
  readonly id: string;
}

const codeUrl = ({ tenant, id }: OneKey): string => `${keysUrl(tenant)}/${id}/code`;

export interface KeysNotice {
  readonly outcome?: 'revoked' | 'verified';
  readonly problem?: 'not_found' | 'changed';
  /** To be shown once. */
  readonly secret?: string;
}

export const showKeysAgain = (
  parts: Pick<LoginPageParts, 'notices'>,
  { ctx, tenant }: AccountVisit,
  notice: KeysNotice,
): void => parts.notices.show({ ctx, url: keysUrl(tenant) }, notice);

/** The code is good in this browser alone. */
export const codeRequestOf = (visit: AccountVisit): KeyCodeRequest => ({
  browser: browserAtAccount(visit),
  locale: localeOf(visit.ctx, visit.tenant.definition.locale),
});

interface CodeNotice extends TimedNotice {
  readonly problem?: KeyCodeProblem;
  readonly outcome?: 'sent';
  /** Shown until the code is right. */
  readonly secret?: string;
}

export const askForKeyCodeNext = (
  parts: LoginPageParts,
  { ctx, tenant }: AccountVisit,
  { key: { id }, secret }: { readonly key: { readonly id: string }; readonly secret: string },
): void => parts.notices.show({ ctx, url: codeUrl({ tenant, id }) }, { secret } satisfies CodeNotice);

/** @throws AppError `not_found` when no key of the person waits for a code */
const visitToKey = async (ctx: Context, { tenant, id }: OneKey): Promise<AccountVisit | undefined> => {
  const visit = await visitWithFactor(ctx, { tenant, url: keysUrl(tenant) });
  if (visit === undefined || (await tenant.ownKeys.isWaiting(visit.account, id))) return visit;
  throw new AppError('not_found', 'No API key waits here for a code; make another one');
};

const lastNotice = (parts: LoginPageParts, ctx: Context, key: OneKey) =>
  parts.notices.last<CodeNotice>({ ctx, url: codeUrl(key) });

export const askForKeyCode = async (parts: LoginPageParts, ctx: Context, key: OneKey): Promise<void> => {
  const visit = await visitToKey(ctx, key);
  if (visit === undefined) return;
  const last = lastNotice(parts, ctx, key);
  const { until, ...notice } = last?.isNew === true ? last.notice : {};
  const { tenant } = key;
  sendPage(ctx, parts.pages, {
    name: 'account-key-code',
    status: announce(parts.log, ctx, definedOnly({ problem: notice.problem })),
    model: {
      action: codeUrl(key),
      againAction: `${codeUrl(key)}/again`,
      csrf: accountCsrfToken(parts.csrf, visit),
      username: visit.account.username,
      address: codeAddressOf(visit.account),
      ...definedOnly({ ...notice, ...restOf(parts, definedOnly({ until })) }),
      ...definedOnly({ demoMailUrl: demoMailUrl(tenant) }),
      cancelUrl: keysUrl(tenant),
    },
    look: lookOf(ctx, tenant),
  });
};

const codeForm = z.object({ csrf: csrfField, code: z.string().max(64).default('') });

export const submitKeyCode = async (parts: LoginPageParts, ctx: Context, key: OneKey): Promise<void> => {
  const { csrf, code } = readForm(ctx, codeForm);
  const visit = await visitToKey(ctx, key);
  if (visit === undefined) return;
  refuseForeignForm(parts.csrf, visit, csrf);
  if (code.trim() === '') return showCodeAgain(parts, ctx, key, { problem: 'missing_code' });
  const typed = { id: key.id, browser: browserAtAccount(visit), code };
  const outcome = await key.tenant.ownKeys.verify(visit.account, typed, personOf(visit));
  if (outcome.ok) return showKeysAgain(parts, visit, { outcome: 'verified' });
  showCodeAgain(parts, ctx, key, { problem: outcome.reason === 'code' ? 'code' : 'key_limit' });
};

export const submitKeyCodeAgain = async (parts: LoginPageParts, ctx: Context, key: OneKey): Promise<void> => {
  const visit = await submittedBy(parts, ctx, () => visitToKey(ctx, key));
  if (visit === undefined) return;
  const sent = await key.tenant.ownKeys.sendCode(visit.account, key.id, codeRequestOf(visit));
  if (sent.ok) return showCodeAgain(parts, ctx, key, { outcome: 'sent' });
  if (sent.reason === 'absent') throw new AppError('not_found', 'There is no such key');
  const wait = sent.reason === 'throttled' ? sent.retryAfterSeconds : undefined;
  showCodeAgain(parts, ctx, key, {
    problem: sent.reason === 'throttled' ? 'throttled' : 'key_address',
    ...endOf(parts, wait),
  });
};

const showCodeAgain = (parts: LoginPageParts, ctx: Context, key: OneKey, notice: CodeNotice): void => {
  const secret = lastNotice(parts, ctx, key)?.notice.secret;
  parts.notices.show({ ctx, url: codeUrl(key) }, { ...notice, ...definedOnly({ secret }) });
};
