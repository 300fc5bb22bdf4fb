// Where the person is signed in. Another browser is signed out here; this one by the sign-out of the tenant.
import type { Context } from 'koa';
import type { PersonSession } from '../../accounts/person-sessions.ts';
import { browserName } from '../../accounts/session-origin.ts';
import type { Locale } from '../../config/tenant/tenant-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import type { AccountSession } from '../../web/account-page-models.ts';
import { sendPage } from '../../web/send-page.ts';
import type { LoginPageParts } from '../login-form.ts';
import { type LoginTenant, lookOf } from '../login-tenant.ts';
import { appName } from './account-apps.ts';
import {
  type AccountVisit,
  accountCsrfToken,
  accountUrl,
  goTo,
  newsOf,
  personOf,
  submittedBy,
  visitOrSignIn,
} from './account-visit.ts';

const news = { outcome: ['ended', 'others_ended'], problem: ['not_found'] } as const;

const pageUrl = (tenant: LoginTenant): string => `${accountUrl(tenant)}/sessions`;

export const showOwnSessions = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const visit = await visitOrSignIn(ctx, tenant, pageUrl(tenant));
  if (visit === undefined) return;
  const sessions = await tenant.sessions.list(visit.session.sub);
  const look = lookOf(ctx, tenant);
  sendPage(ctx, parts.pages, {
    name: 'account-sessions',
    model: {
      accountUrl: accountUrl(tenant),
      csrf: accountCsrfToken(parts.csrf, visit),
      sessions: sessions.map((session) => sessionLine(visit, session, look.locale)).toSorted(currentFirst),
      endOthersAction: `${pageUrl(tenant)}/end-others`,
      ...newsOf(ctx, news),
    },
    look,
  });
};

const currentFirst = (one: AccountSession, other: AccountSession): number =>
  Number(other.isCurrent) - Number(one.isCurrent);

const sessionLine = (
  { tenant, session: current }: AccountVisit,
  { id, signedInAt, clients, services, origin }: PersonSession,
  locale: Locale,
): AccountSession => ({
  isCurrent: id === current.id,
  ...browserName(origin ?? {}),
  ...definedOnly({ address: origin?.address }),
  ...(signedInAt === undefined ? {} : { signedInAt: signedInAt * 1000 }),
  apps: clients.flatMap((clientId) => appName(tenant, clientId, locale) ?? []),
  services,
  endAction: `${pageUrl(tenant)}/${encodeURIComponent(id)}/end`,
});

export const submitSessionEnd = async (
  parts: LoginPageParts,
  ctx: Context,
  { tenant, id }: { readonly tenant: LoginTenant; readonly id: string },
): Promise<void> => {
  const visit = await submittedBy(parts, ctx, () => visitOrSignIn(ctx, tenant, pageUrl(tenant)));
  if (visit === undefined) return;
  const isEnded = await tenant.sessions.end(visit.session.sub, id, personOf(visit));
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
