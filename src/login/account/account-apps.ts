// The apps with access to the account of the person who is signed in.
import type { Context } from 'koa';
import { z } from 'zod';
import type { PersonApp } from '../../accounts/person-apps.ts';
import type { Locale } from '../../config/tenant/tenant-definition.ts';
import { accountClientId, clientNameOf } from '../../oidc/provider/clients.ts';
import type { AccountApp } from '../../web/account-page-models.ts';
import { readForm } from '../../web/body.ts';
import { textIn } from '../../web/local-text.ts';
import { sendPage } from '../../web/send-page.ts';
import { resourceLines } from '../consent-page.ts';
import { csrfField } from '../interaction-form.ts';
import type { LoginPageParts } from '../login-form.ts';
import { type LoginTenant, lookOf } from '../login-tenant.ts';
import { startSignIn } from '../start-sign-in.ts';
import {
  accountCsrfToken,
  accountUrl,
  findAccountVisit,
  goTo,
  newsOf,
  personOf,
  refuseForeignForm,
} from './account-visit.ts';

const fields = z.object({ csrf: csrfField });
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
  const visit = await findAccountVisit(ctx, tenant);
  if (visit === undefined) return startSignIn(ctx, tenant, { target: pageUrl(tenant) });
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
  const { csrf } = await readForm(ctx, fields);
  const visit = await findAccountVisit(ctx, tenant);
  if (visit === undefined) return startSignIn(ctx, tenant, { target: pageUrl(tenant) });
  refuseForeignForm(parts.csrf, visit, csrf);
  const isWithdrawn = await tenant.apps.withdraw(visit.session.sub, clientId, personOf(visit));
  goTo(ctx, pageUrl(tenant), isWithdrawn ? { outcome: 'withdrawn' } : { problem: 'not_found' });
};
