// The pages of signing in, for one tenant:
//   interaction-page.ts which page an interaction needs now; addresses are in ../server/routes.ts
//   login-page.ts       name and password; login-form.ts, login-problems.ts: how the page looks
//   password-demand.ts  a new password in the middle of a sign-in; password-form.ts: its form, here and at the account
//   consent-page.ts     what the app may do
//   known-browser.ts    a browser in which the person has a limit of wrong passwords of their own
//   sign-in-over.ts     the page of a sign-in or form that is over; begun-sign-ins.ts: where it starts again
//   interaction-form.ts forms of one interaction, bound to its browser; cookies.ts: the cookies of these pages
//   upstream/           to a redirect source, back from it, and its logout notices
//   account/            the account page: connected sources, devices and password
//   start-sign-in.ts    a sign-in that no app asked for; initiate-login.ts: one that an upstream begins; own-target.ts:
//                       the URLs to which either may redirect
//   device-login.ts, device-qr.ts            the device flow at short addresses, and its QR code
//   email-undo-page.ts  puts an e-mail address of before back
//   recovery-pages.ts   a forgotten password; recovery-url.ts: its address
//   factor-recovery-page.ts   a lost second factor, after a mail of an operator
//   registration-pages.ts, new-account-page.ts   an account of one's own; registration-page.ts: what they share
//   mailed-form.ts      forms that a mail leads to
//   demo-mail.ts        the mails of a demo tenant without a mail server
//   tenant-selection.ts the page where a tenant is chosen
import type { Context } from 'koa';
import type { Accounts } from '../accounts/account-types.ts';
import type { OwnKeys } from '../accounts/api-keys/own-keys.ts';
import type { DeletionRequests } from '../accounts/deletion-request.ts';
import type { Devices } from '../accounts/devices.ts';
import type { EmailChanges } from '../accounts/email-change.ts';
import type { EmailUndo } from '../accounts/email-undo.ts';
import type { EmailCodes } from '../accounts/factors/email-codes.ts';
import type { FactorRecovery } from '../accounts/factors/factor-recovery.ts';
import type { PasswordRecovery } from '../accounts/password-recovery.ts';
import type { PersonApps } from '../accounts/person-apps.ts';
import type { ExportPerson } from '../accounts/person-export.ts';
import type { PersonSessions } from '../accounts/person-sessions.ts';
import type { Pictures } from '../accounts/pictures.ts';
import type { ProfileChanges } from '../accounts/profile-change.ts';
import type { Registration } from '../accounts/registration.ts';
import type { SignIns } from '../accounts/sign-ins/sign-ins.ts';
import type { DisconnectSource } from '../accounts/source-disconnection.ts';
import type { PersonAudit } from '../audit/person-audit.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import type { Connector } from '../connectors/connector.ts';
import type { TenantMail } from '../mail/tenant-mail.ts';
import type { Interactions } from '../oidc/provider/interactions.ts';
import type { TenantProvider } from '../oidc/provider/tenant-provider.ts';
import type { RedirectConnector, UpstreamLogins } from '../oidc/upstream/upstream-logins.ts';
import type { UpstreamSessions } from '../oidc/upstream/upstream-sessions.ts';
import type { UpstreamSignOut } from '../oidc/upstream/upstream-sign-out.ts';
import { languageUrls } from '../web/language-switch.ts';
import { localeOf } from '../web/locale.ts';
import type { Look } from '../web/pages.ts';

/** The parts of a tenant that the pages of signing in need. */
export interface LoginTenant {
  readonly definition: TenantDefinition;
  readonly provider: TenantProvider;
  readonly accounts: Accounts;
  readonly disconnectSource: DisconnectSource;
  readonly devices: Pick<Devices, 'list' | 'revoke'>;
  readonly sessions: Pick<PersonSessions, 'endOthers'>;
  readonly signIns: Pick<SignIns, 'list' | 'end'>;
  readonly apps: PersonApps;
  readonly ownKeys: OwnKeys;
  readonly personAudit: PersonAudit;
  readonly exportPerson: ExportPerson;
  readonly deletion: DeletionRequests;
  readonly pictures: Pictures;
  readonly profile: ProfileChanges;
  readonly interactions: Interactions;
  /** Its sources of people, in the order of its file. */
  readonly connectors: readonly Connector[];
  readonly upstreamLogins: UpstreamLogins;
  readonly upstreamSessions: UpstreamSessions;
  readonly upstreamSignOut: UpstreamSignOut;
  readonly mail: Pick<TenantMail, 'mode' | 'shown'>;
  readonly recovery: PasswordRecovery;
  readonly factorRecovery: FactorRecovery;
  readonly emailCodes: EmailCodes;
  readonly registration: Registration;
  readonly emailChanges: EmailChanges;
  readonly emailUndo: EmailUndo;
}

export const findConnector = ({ connectors }: LoginTenant, source: string): Connector | undefined =>
  connectors.find(({ definition }) => definition.id === source);

/** Undefined when the tenant has no such source, or no longer, or when it is no redirect source. */
export const findRedirectConnector = (tenant: LoginTenant, source: string): RedirectConnector | undefined => {
  const connector = findConnector(tenant, source);
  return connector?.redirect === undefined ? undefined : { ...connector, redirect: connector.redirect };
};

export interface LookOptions {
  /** `ui_locales` of the authorization request. */
  readonly uiLocales?: string | undefined;
  /** Path of this page as a GET, for the language switch; default: this request's. */
  readonly url?: string;
}

export const lookOf = (
  ctx: Context,
  { definition }: Pick<LoginTenant, 'definition'>,
  options: LookOptions = {},
): Look => {
  const locale = localeOf(ctx, definition.locale, options.uiLocales);
  // the answer to a form cannot be fetched again
  const url = options.url ?? (ctx.method === 'GET' ? ctx.originalUrl : undefined);
  return {
    locale,
    tenant: { id: definition.id, displayName: definition.displayName, branding: definition.branding },
    ...(url === undefined ? {} : { languageUrls: languageUrls(url, locale) }),
  };
};
