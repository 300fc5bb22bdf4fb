// The apps with access to the account of the person who is signed in.
import type { Context } from 'koa';
import type { PersonApp } from '../../accounts/person-apps.ts';
import type { Locale } from '../../config/tenant/tenant-definition.ts';
import { accountClientId, clientNameOf } from '../../oidc/provider/clients.ts';
import type { AccountApp } from '../../web/account-page-models.ts';
import { textIn } from '../../web/local-text.ts';
import { sendPage } from '../../web/send-page.ts';
import { resourceLines } from '../consent-page.ts';
import type { LoginPageParts } from '../login-form.ts';
import { type LoginTenant, lookOf } from '../login-tenant.ts';
import {
  accountCsrfToken,
  accountUrl,
  goTo,
  newsOf,
  personOf,
  submittedBy,
  visitOrSignIn,
} from './account-visit.ts';

const news = { outcome: ['withdrawn'], problem: ['not_found'] } as const;

const pageUrl = (tenant: LoginTenant): string => `${accountUrl(tenant)}/apps`;

/** In the language of the page. Undefined for the account page itself. */
export const appName = ({ definition }: LoginTenant, clientId: string, locale: Locale): string | undefined =>
  clientId === accountClientId ? undefined : textIn(clientNameOf(definition, clientId), locale);

export const showOwnApps = async (
  parts: LoginPageParts,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const visit = await visitOrSignIn(ctx, tenant, pageUrl(tenant));
  if (visit === undefined) return;
  const look = lookOf(ctx, tenant);
  const apps = await tenant.apps.list(visit.session.sub);
  sendPage(ctx, parts.pages, {
    name: 'account-apps',
    model: {
      accountUrl: accountUrl(tenant),
      csrf: accountCsrfToken(parts.csrf, visit),
      apps: apps.map((app) => appLines(tenant, app, look.locale)),
      ...newsOf(ctx, news),
    },
    look,
  });
};

const appLines = (tenant: LoginTenant, app: PersonApp, locale: Locale): AccountApp => ({
  name: appName(tenant, app.clientId, locale) ?? app.clientId,
  grantedAt: app.grantedAt * 1000,
  scopes: app.scopes.map((name) => ({ name })),
  resources: resourceLines(
    tenant,
    Object.fromEntries(app.resources.map(({ identifier, scopes }) => [identifier, scopes])),
    locale,
  ),
  withdrawAction: `${pageUrl(tenant)}/${encodeURIComponent(app.clientId)}/withdraw`,
});

export const submitWithdrawal = async (
  parts: LoginPageParts,
  ctx: Context,
  { tenant, clientId }: { readonly tenant: LoginTenant; readonly clientId: string },
): Promise<void> => {
  const visit = await submittedBy(parts, ctx, () => visitOrSignIn(ctx, tenant, pageUrl(tenant)));
  if (visit === undefined) return;
  const isWithdrawn = await tenant.apps.withdraw(visit.session.sub, clientId, personOf(visit));
  goTo(ctx, pageUrl(tenant), isWithdrawn ? { outcome: 'withdrawn' } : { problem: 'not_found' });
};
