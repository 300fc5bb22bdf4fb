// Where the person is signed in. Another browser is signed out here; this one by the sign-out of the tenant.
import type { Context } from 'koa';
import { z } from 'zod';
import type { PersonSession } from '../../accounts/person-sessions.ts';
import { browserName } from '../../accounts/session-origin.ts';
import type { Locale } from '../../config/tenant/tenant-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import type { AccountSession } from '../../web/account-page-models.ts';
import { readForm } from '../../web/body.ts';
import { sendPage } from '../../web/send-page.ts';
import { csrfField } from '../interaction-form.ts';
import type { LoginPageParts } from '../login-form.ts';
import { type LoginTenant, lookOf } from '../login-tenant.ts';
import { startSignIn } from '../start-sign-in.ts';
import { appName } from './account-apps.ts';
import {
  type AccountVisit,
  accountCsrfToken,
  accountUrl,
  findAccountVisit,
  goTo,
  newsOf,
  personOf,
  refuseForeignForm,
} from './account-visit.ts';

const fields = z.object({ csrf: csrfField });
const news = { outcome: ['ended', 'others_ended'], problem: ['not_found'] } as const;

const pageUrl = (tenant: LoginTenant): string => `${accountUrl(tenant)}/sessions`;

export const showOwnSessions = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const visit = await findAccountVisit(ctx, tenant);
  if (visit === undefined) return startSignIn(ctx, tenant, { target: pageUrl(tenant) });
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
  { id, signedInAt, clients, origin }: PersonSession,
  locale: Locale,
): AccountSession => ({
  isCurrent: id === current.id,
  ...browserName(origin ?? {}),
  ...definedOnly({ address: origin?.address }),
  ...(signedInAt === undefined ? {} : { signedInAt: signedInAt * 1000 }),
  apps: clients.flatMap((clientId) => appName(tenant, clientId, locale) ?? []),
  endAction: `${pageUrl(tenant)}/${encodeURIComponent(id)}/end`,
});

export const submitSessionEnd = async (
  parts: LoginPageParts,
  ctx: Context,
  { tenant, id }: { readonly tenant: LoginTenant; readonly id: string },
): Promise<void> => {
  const { csrf } = await readForm(ctx, fields);
  const visit = await findAccountVisit(ctx, tenant);
  if (visit === undefined) return startSignIn(ctx, tenant, { target: pageUrl(tenant) });
  refuseForeignForm(parts.csrf, visit, csrf);
  const isEnded = await tenant.sessions.end(visit.session.sub, id, personOf(visit));
  goTo(ctx, pageUrl(tenant), isEnded ? { outcome: 'ended' } : { problem: 'not_found' });
};

export const submitOtherSessionsEnd = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const { csrf } = await readForm(ctx, fields);
  const visit = await findAccountVisit(ctx, tenant);
  if (visit === undefined) return startSignIn(ctx, tenant, { target: pageUrl(tenant) });
  refuseForeignForm(parts.csrf, visit, csrf);
  await tenant.sessions.endOthers(visit.session.sub, [visit.session.id], personOf(visit));
  goTo(ctx, pageUrl(tenant), { outcome: 'others_ended' });
};
