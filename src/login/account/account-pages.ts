// The account page of a person who is signed in:
//   account-visit.ts        the person who is signed in in this browser, and forms bound to that session
//   account-sources.ts      connecting and disconnecting a source; account-password.ts: a new password at a source;
//                           account-devices.ts: signing a device out; account-factors.ts: second factors;
//                           account-keys.ts: API keys
//   account-sessions.ts     where the person is signed in; account-apps.ts: apps with access; account-activity.ts: what was
//                           done; account-export.ts: all that is kept, as a file; account-picture.ts;
//                           account-profile.ts: name, language, user name; account-email.ts: e-mail address;
//                           account-deletion.ts; account-kept.ts: after a sign-in that called the deletion off
import type { Context } from 'koa';
import { canChangePassword, hasOwnProfile, managedElsewhere } from '../../accounts/managed-elsewhere.ts';
import { pictureUrl } from '../../accounts/pictures.ts';
import { definedOnly } from '../../defined-only.ts';
import { accountClientId } from '../../oidc/provider/clients.ts';
import type { AccountDevice, AccountSource, PageModels } from '../../web/pages.ts';
import { sendPage } from '../../web/send-page.ts';
import type { LoginPageParts } from '../login-form.ts';
import { type LoginTenant, lookOf } from '../login-tenant.ts';
import { deletionUrl } from './account-deletion.ts';
import { offersFactors } from './account-factors.ts';
import { offersKeys } from './account-keys.ts';
import {
  type AccountVisit,
  accountCsrfToken,
  accountUrl,
  emailUrl,
  findAccountVisit,
  goTo,
  keysUrl,
  newsOf,
  profileUrl,
  usernameUrl,
} from './account-visit.ts';

type AccountModel = PageModels['account'];

const news = {
  outcome: [
    'connected',
    'disconnected',
    'device_signed_out',
    'email_changed',
    'picture_changed',
    'picture_removed',
    'profile_changed',
    'username_changed',
  ],
  problem: [
    'cancelled',
    'invalid',
    'last',
    'not_found',
    'taken',
    'unavailable',
    'picture_missing',
    'picture_too_large',
    'picture_unreadable',
  ],
} as const satisfies {
  readonly outcome: readonly AccountModel['outcome'][];
  readonly problem: readonly AccountModel['problem'][];
};

/** The notice of the page after a redirect. */
export interface AccountNews {
  readonly outcome?: NonNullable<AccountModel['outcome']>;
  readonly problem?: NonNullable<AccountModel['problem']>;
}

export const goToAccount = (ctx: Context, tenant: LoginTenant, shown: AccountNews = {}): void =>
  goTo(ctx, accountUrl(tenant), { ...shown });

/** "Signed in as …". Without a session the browser is redirected to the sign-in. */
export const showAccount = async (
  parts: Pick<LoginPageParts, 'pages' | 'csrf'>,
  ctx: Context,
  tenant: LoginTenant,
): Promise<void> => {
  const visit = await findAccountVisit(ctx, tenant);
  if (visit === undefined) {
    ctx.status = 303;
    ctx.redirect(tenant.provider.issuer);
    return;
  }
  const { account, session } = visit;
  const { name } = account.claims;
  const devices = await devicesOf(tenant, account.sub);
  const sources = { sources: tenant.definition.sources, connectors: tenant.connectors };
  const managed = managedElsewhere(account, sources);
  sendPage(ctx, parts.pages, {
    name: 'account',
    model: {
      name: typeof name === 'string' ? name : account.username,
      username: account.username,
      signOutUrl: `${tenant.provider.issuer}/session/end?client_id=${accountClientId}`,
      signedInAt: session.signedInAt * 1000,
      csrf: accountCsrfToken(parts.csrf, visit),
      sources: tenant.connectors.flatMap((connector) => sourceLine(visit, connector)),
      ...(devices.length === 0 ? {} : { devices }),
      ...(canChangePassword(account, sources) ? { changePasswordUrl: `${accountUrl(tenant)}/password` } : {}),
      ...(offersFactors(tenant) ? { factorsUrl: `${accountUrl(tenant)}/factors` } : {}),
      ...(offersKeys(tenant) ? { keysUrl: keysUrl(tenant) } : {}),
      profileUrl: profileUrl(tenant),
      ...(hasOwnProfile(account) && tenant.definition.accounts.usernameChange
        ? { usernameUrl: usernameUrl(tenant) }
        : {}),
      ...(tenant.emailChanges.isOffered(account) ? { emailUrl: emailUrl(tenant) } : {}),
      accountUrl: accountUrl(tenant),
      exportAction: `${accountUrl(tenant)}/export`,
      ...(tenant.deletion.refusalFor(account) === undefined ? { deleteUrl: deletionUrl(tenant) } : {}),
      managed,
      ...(managed.profile === undefined ? { pictureAction: `${accountUrl(tenant)}/picture` } : {}),
      ...definedOnly({ pictureUrl: pictureUrl(tenant.provider.issuer, account) }),
      ...definedOnly({ email: account.email }),
      ...newsOf(ctx, news),
    },
    look: lookOf(ctx, tenant),
  });
};

/** More would not fit a page; `<issuer>/devices` has all of them. */
const shownDevices = 50;

/** The devices of the person, the last used first. */
const devicesOf = async (tenant: LoginTenant, sub: string): Promise<readonly AccountDevice[]> => {
  const found = await tenant.devices.list({ sub, limit: shownDevices });
  return found
    .toSorted((one, other) => other.lastSeenAt - one.lastSeenAt)
    .map(({ id, name, model, clientId, lastSeenAt }) => ({
      name: name ?? model ?? clientId,
      lastSeenAt,
      signOutAction: `${accountUrl(tenant)}/devices/${encodeURIComponent(id)}/sign-out`,
    }));
};

const sourceLine = (
  { tenant, account }: AccountVisit,
  { definition, redirect, passwords }: LoginTenant['connectors'][number],
): readonly AccountSource[] => {
  const { id, displayName, type } = definition;
  const place = `${accountUrl(tenant)}/sources/${id}`;
  const linked = account.identities?.find(({ source }) => source === id);
  if (linked !== undefined)
    return [{ displayName, connectedAt: linked.linkedAt, disconnectAction: `${place}/disconnect` }];
  if (redirect !== undefined) return [{ displayName, connectAction: `${place}/connect` }];
  if (passwords !== undefined && type !== 'local') return [{ displayName, connectUrl: place }];
  return [];
};
