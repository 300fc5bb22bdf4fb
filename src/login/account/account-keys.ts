// The API keys of the person who is signed in. Whoever makes, renews or revokes one has just signed in, with a factor if there
// is one.
import type { Context } from 'koa';
import { z } from 'zod';
import { isOver } from '../../accounts/api-keys/key-lifetimes.ts';
import type { OwnKey } from '../../accounts/api-keys/own-keys.ts';
import { keyName } from '../../accounts/api-keys/public-key.ts';
import { definedOnly } from '../../defined-only.ts';
import { AppError } from '../../errors.ts';
import type { AccountKey } from '../../web/account-page-models.ts';
import { readForm } from '../../web/body.ts';
import type { KeyProblem } from '../../web/page-problems.ts';
import { sendPage } from '../../web/send-page.ts';
import { csrfField } from '../interaction-form.ts';
import type { LoginPageParts } from '../login-form.ts';
import { announce } from '../login-problems.ts';
import { type LoginTenant, lookOf } from '../login-tenant.ts';
import {
  askForKeyCodeNext,
  codeRequestOf,
  type KeysNotice,
  type OneKey,
  showKeysAgain,
} from './account-key-code.ts';
import {
  type AccountVisit,
  accountCsrfToken,
  accountUrl,
  keysUrl,
  personOf,
  refuseForeignForm,
  submittedBy,
  visitOrSignIn,
  visitWithFactorRecently,
} from './account-visit.ts';

const newKeyUrl = (tenant: LoginTenant): string => `${keysUrl(tenant)}/new`;

/** May people of this tenant make keys for themselves? */
export const offersKeys = ({ ownKeys }: LoginTenant): boolean => ownKeys.services.length > 0;

export const showOwnKeys = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const url = keysUrl(tenant);
  const visit = await visitOrSignIn(ctx, tenant, url);
  if (visit === undefined) return;
  const last = parts.notices.last<KeysNotice>({ ctx, url });
  const { secret, ...shown } = last?.isNew === true ? last.notice : {};
  const look = lookOf(ctx, tenant);
  const { account } = visit;
  if (secret !== undefined)
    return sendPage(ctx, parts.pages, {
      name: 'account-key-made',
      model: { secret, username: account.username, nextUrl: url },
      look,
    });
  const keys = await tenant.ownKeys.list(account.sub);
  sendPage(ctx, parts.pages, {
    name: 'account-keys',
    model: {
      accountUrl: accountUrl(tenant),
      csrf: accountCsrfToken(parts.csrf, visit),
      keys: keys.map((key) => keyLine(url, key, parts.clock.now())),
      ...(offersKeys(tenant) ? { newKeyUrl: newKeyUrl(tenant) } : {}),
      ...definedOnly(shown),
    },
    look,
  });
};

const keyLine = (url: string, key: OwnKey, nowMs: number): AccountKey => ({
  name: keyName(key),
  createdAt: key.createdAt,
  ...definedOnly({ services: key.services, expiresAt: key.expiresAt, lastUsedAt: key.lastUsedAt }),
  ...(key.isOwn === true && !isOver(key, nowMs) ? { rotateAction: `${url}/${key.id}/rotate` } : {}),
  revokeAction: `${url}/${key.id}/revoke`,
});

const day = 86_400;

/** Seconds; the longest is as long as the tenant allows. */
const lifetimesOf = ({ definition }: LoginTenant): readonly number[] => {
  const longest = definition.apiKeys.maximumAgeSeconds;
  return [...[30, 90, 180, 365].map((days) => days * day).filter((life) => life < longest), longest];
};

interface NewKeyNotice {
  readonly problem: KeyProblem;
  readonly note: string;
}

const visitToMake = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<AccountVisit | undefined> => {
  if (!offersKeys(tenant)) throw new AppError('not_found', 'People of this tenant have no keys of their own');
  return visitWithFactorRecently(parts, ctx, { tenant, url: newKeyUrl(tenant) });
};

export const askForNewKey = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const url = newKeyUrl(tenant);
  const visit = await visitToMake(parts, ctx, tenant);
  if (visit === undefined) return;
  const last = parts.notices.last<NewKeyNotice>({ ctx, url });
  const { problem, note = '' } = last?.isNew === true ? last.notice : {};
  sendPage(ctx, parts.pages, {
    name: 'account-key-new',
    status: announce(parts.log, ctx, definedOnly({ problem })),
    model: {
      ...definedOnly({ problem }),
      action: url,
      csrf: accountCsrfToken(parts.csrf, visit),
      note,
      services: tenant.ownKeys.services,
      lifetimes: lifetimesOf(tenant),
      cancelUrl: keysUrl(tenant),
    },
    look: lookOf(ctx, tenant),
  });
};

/** A field may be there once, so each service has one of its own. */
const serviceField = 'service:';

const newKeyFields = z
  .object({ csrf: csrfField, note: z.string().trim().default(''), lifetime: z.coerce.number().int() })
  .catchall(z.string());

export const submitNewKey = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const { csrf, note, lifetime: lifetimeSeconds, ...others } = readForm(ctx, newKeyFields);
  const visit = await visitToMake(parts, ctx, tenant);
  if (visit === undefined) return;
  refuseForeignForm(parts.csrf, visit, csrf);
  const services = Object.keys(others).flatMap((name) =>
    name.startsWith(serviceField) ? [name.slice(serviceField.length)] : [],
  );
  const showAgain = (problem: KeyProblem): void =>
    parts.notices.show({ ctx, url: newKeyUrl(tenant) }, { problem, note } satisfies NewKeyNotice);
  if (note === '') return showAgain('key_note');
  const wanted = { note, services, lifetimeSeconds, code: codeRequestOf(visit) };
  const made = await tenant.ownKeys.create(visit.account, wanted, personOf(visit));
  if (made.ok && made.needsCode) return askForKeyCodeNext(parts, visit, made);
  if (made.ok) return showKeysAgain(parts, visit, { secret: made.secret });
  if (made.reason === 'note' || made.reason === 'too_many')
    return showAgain(made.reason === 'note' ? 'key_note' : 'key_limit');
  if (made.reason === 'limits') return showAgain('key_services');
  if (made.reason === 'not_sent')
    return showAgain(made.code.reason === 'throttled' ? 'key_mails' : 'key_address');
  throw new AppError('invalid_request', made.message);
};

const submittedAtList = (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<AccountVisit | undefined> =>
  submittedBy(parts, ctx, () => visitWithFactorRecently(parts, ctx, { tenant, url: keysUrl(tenant) }));

export const submitKeyRotation = async (
  parts: LoginPageParts,
  ctx: Context,
  { tenant, id }: OneKey,
): Promise<void> => {
  const visit = await submittedAtList(parts, ctx, tenant);
  if (visit === undefined) return;
  const made = await tenant.ownKeys.rotate(visit.account, id, personOf(visit));
  if (made.ok) return showKeysAgain(parts, visit, { secret: made.secret });
  showKeysAgain(parts, visit, { problem: made.reason === 'changed' ? 'changed' : 'not_found' });
};

export const submitKeyRevocation = async (
  parts: LoginPageParts,
  ctx: Context,
  { tenant, id }: OneKey,
): Promise<void> => {
  const visit = await submittedAtList(parts, ctx, tenant);
  if (visit === undefined) return;
  const revoked = await tenant.ownKeys.revoke(visit.account, id, personOf(visit));
  showKeysAgain(parts, visit, revoked === undefined ? { problem: 'not_found' } : { outcome: 'revoked' });
};
