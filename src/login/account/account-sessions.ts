// By what the person is signed in. Others are signed out here; this browser by the sign-out of the tenant.
import type { Context } from 'koa';
import { z } from 'zod';
import { browserName } from '../../accounts/session-origin.ts';
import { type SignInEntry, signInKinds } from '../../accounts/sign-ins/sign-in-entry.ts';
import type { Locale } from '../../config/tenant/tenant-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import type { AccountSignIn } from '../../web/account-page-models.ts';
import { readForm } from '../../web/body.ts';
import { sendPage } from '../../web/send-page.ts';
import { csrfField } from '../interaction-form.ts';
import type { LoginPageParts } from '../login-form.ts';
import { type LoginTenant, lookOf } from '../login-tenant.ts';
import { appName } from './account-apps.ts';
import {
  type AccountVisit,
  accountCsrfToken,
  accountUrl,
  goTo,
  keysUrl,
  newsOf,
  personOf,
  refuseForeignForm,
  submittedBy,
  visitOrSignIn,
} from './account-visit.ts';

const news = { outcome: ['ended', 'others_ended'], problem: ['not_found'] } as const;

const pageUrl = (tenant: LoginTenant): string => `${accountUrl(tenant)}/sessions`;

const pageSize = 50;

export const showOwnSessions = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const visit = await visitOrSignIn(ctx, tenant, pageUrl(tenant));
  if (visit === undefined) return;
  const { cursor } = ctx.query;
  const isFirst = typeof cursor !== 'string' || cursor === '';
  const { entries, next } = await tenant.signIns.list(visit.session.sub, {
    limit: pageSize,
    ...(isFirst ? {} : { cursor }),
  });
  const look = lookOf(ctx, tenant);
  sendPage(ctx, parts.pages, {
    name: 'account-sessions',
    model: {
      accountUrl: accountUrl(tenant),
      csrf: accountCsrfToken(parts.csrf, visit),
      signIns: entries.map((entry) => signInLine(visit, entry, look.locale)).toSorted(currentFirst),
      isFirst,
      ...(next === undefined
        ? {}
        : { moreUrl: `${pageUrl(tenant)}?${new URLSearchParams({ cursor: next })}` }),
      endOthersAction: `${pageUrl(tenant)}/end-others`,
      ...newsOf(ctx, news),
    },
    look,
  });
};

/** It is of the first kind. */
const currentFirst = (one: AccountSignIn, other: AccountSignIn): number =>
  Number(other.isCurrent) - Number(one.isCurrent);

const signInLine = (
  { tenant, session: current }: AccountVisit,
  entry: SignInEntry,
  locale: Locale,
): AccountSignIn => {
  const { kind, id, clients, clientId, services, origin, signedInAt, lastUsedAt } = entry;
  const isCurrent = kind === 'session' && id === current.id;
  const apps = clients.flatMap((client) => appName(tenant, client, locale) ?? []);
  const pageOf = clientId === undefined ? undefined : appName(tenant, clientId, locale);
  const name = kind === 'refresh_token' ? apps[0] : entry.name;
  return {
    kind,
    isCurrent,
    ...definedOnly({ name, pageOf, address: origin?.address }),
    ...browserName(origin ?? {}),
    ...(signedInAt === undefined ? {} : { signedInAt: signedInAt * 1000 }),
    ...(lastUsedAt === undefined ? {} : { lastUsedAt: lastUsedAt * 1000 }),
    apps: kind === 'refresh_token' ? [] : apps,
    services,
    ...(kind === 'api_key' ? { manageUrl: keysUrl(tenant) } : {}),
    ...(isCurrent || kind === 'api_key'
      ? {}
      : { endAction: `${pageUrl(tenant)}/${encodeURIComponent(id)}/end` }),
  };
};

/** Whoever revokes a key has to prove more, on the page of keys. */
const endFields = z.object({
  csrf: csrfField,
  kind: z.enum(signInKinds).exclude(['api_key']).default('session'),
});

export const submitSessionEnd = async (
  parts: LoginPageParts,
  ctx: Context,
  { tenant, id }: { readonly tenant: LoginTenant; readonly id: string },
): Promise<void> => {
  const { csrf, kind } = readForm(ctx, endFields);
  const visit = await visitOrSignIn(ctx, tenant, pageUrl(tenant));
  if (visit === undefined) return;
  refuseForeignForm(parts.csrf, visit, csrf);
  const isEnded = await tenant.signIns.end(visit.session.sub, { kind, id }, personOf(visit));
  goTo(ctx, pageUrl(tenant), isEnded ? { outcome: 'ended' } : { problem: 'not_found' });
};

export const submitOtherSessionsEnd = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const visit = await submittedBy(parts, ctx, () => visitOrSignIn(ctx, tenant, pageUrl(tenant)));
  if (visit === undefined) return;
  await tenant.sessions.endOthers(visit.session.sub, [visit.session.id], personOf(visit));
  goTo(ctx, pageUrl(tenant), { outcome: 'others_ended' });
};
