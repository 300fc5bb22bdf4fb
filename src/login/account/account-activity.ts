// What the person did, and what was done with the account, newest first.
import type { Context } from 'koa';
import type { PersonAuditEntry } from '../../audit/person-audit.ts';
import type { Locale } from '../../config/tenant/tenant-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import type { AccountActivity } from '../../web/account-page-models.ts';
import { sendPage } from '../../web/send-page.ts';
import type { LoginPageParts } from '../login-form.ts';
import { type LoginTenant, lookOf } from '../login-tenant.ts';
import { appName } from './account-apps.ts';
import { accountUrl, visitOrSignIn } from './account-visit.ts';

const pageSize = 25;

export const showActivity = async (
  parts: Pick<LoginPageParts, 'pages'>,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const url = `${accountUrl(tenant)}/activity`;
  const visit = await visitOrSignIn(ctx, tenant, url);
  if (visit === undefined) return;
  const { before } = ctx.query;
  const beforeId = typeof before === 'string' && /^[\w-]{1,64}$/.test(before) ? before : undefined;
  const entries = await tenant.personAudit.list({
    sub: visit.session.sub,
    limit: pageSize,
    ...definedOnly({ beforeId }),
  });
  const last = entries.length === pageSize ? entries.at(-1)?.id : undefined;
  const look = lookOf(ctx, tenant);
  sendPage(ctx, parts.pages, {
    name: 'account-activity',
    model: {
      accountUrl: accountUrl(tenant),
      entries: entries.map((entry) => activityLine(tenant, entry, look.locale)),
      isNewest: beforeId === undefined,
      ...(last === undefined ? {} : { olderUrl: `${url}?before=${last}` }),
    },
    look,
  });
};

const activityLine = (
  tenant: LoginTenant,
  { at, action, outcome, by, address, clientId }: PersonAuditEntry,
  locale: Locale,
): AccountActivity => ({
  ...{ at, action, by },
  isFailure: outcome === 'failure',
  ...definedOnly({ address, app: clientId === undefined ? undefined : appName(tenant, clientId, locale) }),
});
