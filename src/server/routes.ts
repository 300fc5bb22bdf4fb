// The table of addresses, with the function that answers each. `router.ts` binds the rows to functions; a request that
// matches no row gets 404. `gateway/gateway-dispatch.ts` runs before and takes the rows of the gateway.
import { adminApiPath } from '../admin/api/operation.ts';
import { adminOperations } from '../admin/api/operations.ts';
import { tenantIdForm } from '../protocol/tenant-id.ts';
import { apiPath } from '../self-service/api/operation.ts';
import { operations } from '../self-service/api/operations.ts';
import { byPath } from '../web/api/described-operation.ts';
import { isAmbiguousPath } from '../web/tenant-path.ts';

/** Programs get JSON for any `Accept`; browsers may get a page. */
export type Audience = 'browsers' | 'programs';

export interface Route {
  /** In the form of `Allow`; empty for any method. */
  readonly methods: readonly string[];
  /** `:name` is one segment, `*name` the rest of the path, `{…}` may be absent. */
  readonly path: string;
  /** A file below `src/` and the function in it, or what oidc-provider calls its route. */
  readonly answeredBy: string;
  readonly audience: Audience;
  /** `gateway` answers before all other handlers, `protocol` is the tenant's provider. */
  readonly kind: 'gateway' | 'own' | 'protocol';
  /** Is `:tenant` the one that answers, on its own host? It is looked up first then. */
  readonly isOfTenant: boolean;
  /** Called many times a second: `protocol-fast-path.ts` takes the ordinary requests. */
  readonly isFast: boolean;
}

/** The values of the parameters, undecoded; a row with another value does not match. */
export const parameters: Readonly<Record<string, (value: string) => boolean>> = {
  tenant: (value) => tenantIdForm.test(value),
  uid: (value) => /^[A-Za-z0-9_-]{10,64}$/.test(value),
  source: (value) => /^[a-z0-9][a-z0-9-]{0,30}$/.test(value),
  id: (value) => /^[\w-]{1,64}$/.test(value),
  kind: (value) => /^[a-z_]{1,20}$/.test(value),
  sub: (value) => /^[\w-]{1,64}$/.test(value),
  client_id: (value) => /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(value),
  file: () => true,
  rest: (value) => !isAmbiguousPath(`/${value}`),
};

/** Of every request to a service. */
export const proxiedRoute = '/*rest';

// On any host: `/api/authz/…`. Then the hosts of services, and the paths below the prefix of a service on a host of
// ours; `/.drawbridge/…` never belongs to the service.
// biome-ignore format: columns
const gatewayRows = [
  ['*', '/api/authz/auth-request',              'gateway/answer/authz-endpoint.ts createAuthzEndpoint', 'programs'],
  ['*', '/api/authz/forward-auth',              'gateway/answer/authz-endpoint.ts createAuthzEndpoint', 'programs'],
  ['*', '/api/authz/ext-authz{/*rest}',         'gateway/answer/authz-endpoint.ts createAuthzEndpoint', 'programs'],
  ['*', '/api/authz/:tenant/auth-request',      'gateway/answer/authz-endpoint.ts createAuthzEndpoint', 'programs'],
  ['*', '/api/authz/:tenant/forward-auth',      'gateway/answer/authz-endpoint.ts createAuthzEndpoint', 'programs'],
  ['*', '/api/authz/:tenant/ext-authz{/*rest}', 'gateway/answer/authz-endpoint.ts createAuthzEndpoint', 'programs'],
  ['*', proxiedRoute,                           'gateway/proxy/service-proxy.ts createServiceProxy',    'browsers'],
] as const satisfies readonly Row[];

// On the hosts of public URLs; `/.drawbridge/…` also on the hosts of services, and the first two on any.
// GET includes HEAD, unless the GET changes stored data: then a HEAD would consume that without its answer.
// biome-ignore format: columns
const rootRows = [
  ['GET HEAD', '/healthz',                  'server/health.ts showHealth',                              'programs'],
  ['GET HEAD', '/readyz',                   'server/health.ts showReadiness',                           'programs'],
  ['GET HEAD', '/assets/*file',             'web/serve-assets.ts openAssetServer',                      'browsers'],
  ['GET HEAD', '/',                         'login/tenant-selection.ts createTenantSelection',          'browsers'],
  ['GET HEAD', '/gateway/sign-in',          'gateway/sign-in/gateway-pages.ts chooseTenant',            'browsers'],
  ['GET',      '/.drawbridge/start',        'gateway/sign-in/gateway-pages.ts startHandOver',           'browsers'],
  ['GET',      '/.drawbridge/callback',     'gateway/sign-in/gateway-pages.ts receiveTicket',           'browsers'],
  ['GET POST', '/.drawbridge/sign-out',     'gateway/sign-in/gateway-sign-out.ts createGatewaySignOut', 'browsers'],
  ['GET HEAD', '/.drawbridge/assets/*file', 'web/serve-assets.ts openAssetServer',                      'browsers'],
  ['GET',      '/auth/info/state',          'login/device-login.ts pollDeviceLogin',                    'programs'],
] as const satisfies readonly Row[];

// On the host of the tenant's public URL.
// biome-ignore format: columns
const tenantRows = [
  ['GET POST',         '/tenant/:tenant/loginDevice',                              'login/device-login.ts startDeviceLogin',                      'programs'],
  // RFC 8414 section 3.1: the well-known part may come before the path of the issuer, here with or without a trailing
  // slash
  ['GET HEAD OPTIONS', '/.well-known/openid-configuration/oauth/:tenant',          'server/tenant-protocol.ts showMetadata',                      'programs'],
  ['GET HEAD OPTIONS', '/.well-known/openid-configuration/oauth/:tenant/',         'server/tenant-protocol.ts showMetadata',                      'programs'],
  ['GET HEAD OPTIONS', '/.well-known/oauth-authorization-server/oauth/:tenant',    'server/tenant-protocol.ts showMetadata',                      'programs'],
  ['GET HEAD OPTIONS', '/.well-known/oauth-authorization-server/oauth/:tenant/',   'server/tenant-protocol.ts showMetadata',                      'programs'],
  ['GET HEAD',         '/oauth/:tenant',                                           'server/tenant-protocol.ts openIssuer',                        'browsers'],
  // the issuer has no trailing slash, and neither have its documents
  ['GET HEAD',         '/oauth/:tenant/',                                          'server/tenant-protocol.ts redirectWithoutSlash',              'browsers'],
  ['GET HEAD',         '/oauth/:tenant/.well-known/openid-configuration/',         'server/tenant-protocol.ts redirectWithoutSlash',              'programs'],
  ['GET HEAD',         '/oauth/:tenant/.well-known/oauth-authorization-server/',   'server/tenant-protocol.ts redirectWithoutSlash',              'programs'],
  ['GET HEAD',         '/oauth/:tenant/gateway/sign-in',                           'gateway/sign-in/gateway-sign-in.ts createGatewaySignIn',      'browsers'],
  ['GET HEAD',         '/oauth/:tenant/interaction/:uid',                          'login/interaction-page.ts showInteraction',                   'browsers'],
  ['POST',             '/oauth/:tenant/interaction/:uid/login',                    'login/login-page.ts submitLogin',                             'browsers'],
  ['POST',             '/oauth/:tenant/interaction/:uid/account',                  'login/account-choice.ts submitAccountChoice',                 'browsers'],
  ['POST',             '/oauth/:tenant/interaction/:uid/password',                 'login/password-demand.ts submitDemandedPasswordChange',       'browsers'],
  ['POST',             '/oauth/:tenant/interaction/:uid/factor',                   'login/factors/factor-page.ts submitFactor',                   'browsers'],
  ['POST',             '/oauth/:tenant/interaction/:uid/passkey',                  'login/passkey-login.ts submitPasskeyLogin',                   'browsers'],
  ['POST',             '/oauth/:tenant/interaction/:uid/factor/passkey',           'login/factors/factor-page.ts submitPasskey',                  'browsers'],
  ['POST',             '/oauth/:tenant/interaction/:uid/factor/email',              'login/factors/email-code-page.ts submitMailedCode',           'browsers'],
  ['POST',             '/oauth/:tenant/interaction/:uid/factor/mail',               'login/factors/email-code-page.ts submitMailRequest',          'browsers'],
  ['POST',             '/oauth/:tenant/interaction/:uid/factor/set-up-passkey',    'login/factors/factor-set-up.ts submitPasskeySetUp',           'browsers'],
  ['POST',             '/oauth/:tenant/interaction/:uid/factor/set-up',            'login/factors/factor-set-up.ts submitFactorSetUp',            'browsers'],
  ['POST',             '/oauth/:tenant/interaction/:uid/factor/later',             'login/factors/factor-set-up.ts continueWithoutQuestion',      'browsers'],
  ['POST',             '/oauth/:tenant/interaction/:uid/factor/done',              'login/factors/factor-set-up.ts continueWithoutQuestion',      'browsers'],
  ['POST',             '/oauth/:tenant/interaction/:uid/consent',                  'login/consent-page.ts submitConsent',                         'browsers'],
  ['POST',             '/oauth/:tenant/interaction/:uid/cancel',                   'login/consent-page.ts cancelInteraction',                     'browsers'],
  ['POST',             '/oauth/:tenant/interaction/:uid/upstream/:source',         'login/upstream/upstream-start.ts submitUpstream',             'browsers'],
  ['GET HEAD',         '/oauth/:tenant/interaction/:uid/return',                   'login/upstream/upstream-return.ts returnFromUpstream',        'browsers'],
  ['GET HEAD POST',    '/oauth/:tenant/login/initiate',                            'login/initiate-login.ts initiateLogin',                       'browsers'],
  ['GET HEAD',         '/oauth/:tenant/upstream/:source/callback',                 'login/upstream/upstream-callback.ts receiveUpstream',         'browsers'],
  ['GET HEAD',         '/oauth/:tenant/upstream/:source/signed-out',               'login/upstream/upstream-logout.ts returnFromSignOut',         'browsers'],
  ['GET HEAD',         '/oauth/:tenant/upstream/:source/frontchannel-logout',      'login/upstream/upstream-logout.ts receiveFrontchannelLogout', 'browsers'],
  ['POST',             '/oauth/:tenant/upstream/:source/backchannel-logout',       'login/upstream/upstream-logout.ts receiveBackchannelLogout',  'programs'],
  ['GET HEAD',         '/oauth/:tenant/account',                                   'login/account/account-pages.ts showAccount',                  'browsers'],
  ['GET HEAD',         '/oauth/:tenant/account/callback',                          'login/start-sign-in.ts finishSignIn',                         'browsers'],
  ['GET HEAD',         '/oauth/:tenant/account/password',                          'login/account/account-password.ts askForNewPassword',         'browsers'],
  ['POST',             '/oauth/:tenant/account/password',                          'login/account/account-password.ts submitNewPassword',         'browsers'],
  ['GET HEAD',         '/oauth/:tenant/account/factors',                           'login/account/account-factors.ts showFactors',                'browsers'],
  ['GET HEAD',         '/oauth/:tenant/account/factors/totp',                      'login/account/account-factors.ts askForTotp',                 'browsers'],
  ['POST',             '/oauth/:tenant/account/factors/totp',                      'login/account/account-factors.ts submitTotp',                 'browsers'],
  ['GET HEAD',         '/oauth/:tenant/account/factors/passkey',                   'login/account/account-passkeys.ts askForPasskey',             'browsers'],
  ['POST',             '/oauth/:tenant/account/factors/passkey',                   'login/account/account-passkeys.ts submitNewPasskey',          'browsers'],
  ['POST',             '/oauth/:tenant/account/factors/recovery-codes',            'login/account/account-factors.ts submitNewRecoveryCodes',     'browsers'],
  ['POST',             '/oauth/:tenant/account/factors/:id/remove',                'login/account/account-factors.ts submitFactorRemoval',        'browsers'],
  ['GET HEAD',         '/oauth/:tenant/account/keys',                              'login/account/account-keys.ts showOwnKeys',                   'browsers'],
  ['GET HEAD',         '/oauth/:tenant/account/keys/new',                          'login/account/account-keys.ts askForNewKey',                  'browsers'],
  ['POST',             '/oauth/:tenant/account/keys/new',                          'login/account/account-keys.ts submitNewKey',                  'browsers'],
  ['GET HEAD',         '/oauth/:tenant/account/keys/:id/code',                     'login/account/account-key-code.ts askForKeyCode',             'browsers'],
  ['POST',             '/oauth/:tenant/account/keys/:id/code',                     'login/account/account-key-code.ts submitKeyCode',             'browsers'],
  ['POST',             '/oauth/:tenant/account/keys/:id/code/again',               'login/account/account-key-code.ts submitKeyCodeAgain',        'browsers'],
  ['POST',             '/oauth/:tenant/account/keys/:id/rotate',                   'login/account/account-keys.ts submitKeyRotation',             'browsers'],
  ['POST',             '/oauth/:tenant/account/keys/:id/revoke',                   'login/account/account-keys.ts submitKeyRevocation',           'browsers'],
  ['GET HEAD',         '/oauth/:tenant/account/sources/:source',                   'login/account/account-sources.ts askForSource',               'browsers'],
  ['POST',             '/oauth/:tenant/account/sources/:source/connect',           'login/account/account-sources.ts submitConnect',              'browsers'],
  ['POST',             '/oauth/:tenant/account/sources/:source/disconnect',        'login/account/account-sources.ts submitDisconnect',           'browsers'],
  ['POST',             '/oauth/:tenant/account/devices/:id/sign-out',              'login/account/account-devices.ts submitDeviceSignOut',       'browsers'],
  ['GET HEAD',         '/oauth/:tenant/account/sessions',                          'login/account/account-sessions.ts showOwnSessions',          'browsers'],
  ['POST',             '/oauth/:tenant/account/sessions/end-others',               'login/account/account-sessions.ts submitOtherSessionsEnd',   'browsers'],
  ['POST',             '/oauth/:tenant/account/sessions/:id/end',                  'login/account/account-sessions.ts submitSessionEnd',         'browsers'],
  ['GET HEAD',         '/oauth/:tenant/account/apps',                              'login/account/account-apps.ts showOwnApps',                  'browsers'],
  ['POST',             '/oauth/:tenant/account/apps/:client_id/withdraw',          'login/account/account-apps.ts submitWithdrawal',             'browsers'],
  ['GET HEAD',         '/oauth/:tenant/account/activity',                          'login/account/account-activity.ts showActivity',             'browsers'],
  ['GET HEAD',         '/oauth/:tenant/account/profile',                           'login/account/account-profile.ts showProfile',                'browsers'],
  ['POST',             '/oauth/:tenant/account/profile',                           'login/account/account-profile.ts submitProfile',              'browsers'],
  ['GET HEAD',         '/oauth/:tenant/account/username',                          'login/account/account-profile.ts askForUsername',             'browsers'],
  ['POST',             '/oauth/:tenant/account/username',                          'login/account/account-profile.ts submitUsername',             'browsers'],
  ['GET HEAD',         '/oauth/:tenant/account/email',                             'login/account/account-email.ts askForEmail',                  'browsers'],
  ['POST',             '/oauth/:tenant/account/email',                             'login/account/account-email.ts submitEmail',                  'browsers'],
  ['GET HEAD',         '/oauth/:tenant/account/email/code',                        'login/account/account-email.ts askForEmailCode',              'browsers'],
  ['POST',             '/oauth/:tenant/account/email/code',                        'login/account/account-email.ts submitEmailCode',              'browsers'],
  ['GET HEAD',         '/oauth/:tenant/account/email/confirm',                     'login/account/account-email.ts askToConfirmEmail',            'browsers'],
  ['POST',             '/oauth/:tenant/account/email/confirm',                     'login/account/account-email.ts submitEmailConfirmation',      'browsers'],
  ['GET HEAD',         '/oauth/:tenant/email-undo',                                'login/email-undo-page.ts askToUndoEmail',                     'browsers'],
  ['POST',             '/oauth/:tenant/email-undo',                                'login/email-undo-page.ts submitEmailUndo',                    'browsers'],
  ['GET HEAD',         '/oauth/:tenant/email-undo/done',                           'login/email-undo-page.ts showEmailUndone',                    'browsers'],
  ['POST',             '/oauth/:tenant/account/picture',                           'login/account/account-picture.ts submitPicture',             'browsers'],
  ['POST',             '/oauth/:tenant/account/picture/remove',                    'login/account/account-picture.ts submitPictureRemoval',      'browsers'],
  ['GET HEAD',         '/oauth/:tenant/pictures/:sub/:id',                         'self-service/show-picture.ts showPicture',                   'browsers'],
  ['POST',             '/oauth/:tenant/account/export',                            'login/account/account-export.ts submitExport',               'browsers'],
  ['GET HEAD',         '/oauth/:tenant/account/delete',                            'login/account/account-deletion.ts askForDeletion',            'browsers'],
  ['POST',             '/oauth/:tenant/account/delete',                            'login/account/account-deletion.ts submitDeletion',            'browsers'],
  ['GET HEAD',         '/oauth/:tenant/account/kept',                              'login/account/account-kept.ts showAccountKept',               'browsers'],
  ['GET HEAD',         '/oauth/:tenant/recover',                                   'login/recovery-pages.ts askForName',                          'browsers'],
  ['POST',             '/oauth/:tenant/recover',                                   'login/recovery-pages.ts submitName',                          'browsers'],
  ['GET HEAD',         '/oauth/:tenant/recover/code',                              'login/recovery-pages.ts askForCode',                          'browsers'],
  ['POST',             '/oauth/:tenant/recover/code',                              'login/recovery-pages.ts submitCode',                          'browsers'],
  ['GET HEAD',         '/oauth/:tenant/recover/password',                          'login/recovery-pages.ts askForRecoveredPassword',             'browsers'],
  ['POST',             '/oauth/:tenant/recover/password',                          'login/recovery-pages.ts submitRecoveredPassword',             'browsers'],
  ['GET HEAD',         '/oauth/:tenant/recover/done',                              'login/recovery-pages.ts showRecovered',                       'browsers'],
  ['GET HEAD',         '/oauth/:tenant/register',                                  'login/registration-pages.ts askForAddress',                    'browsers'],
  ['POST',             '/oauth/:tenant/register',                                  'login/registration-pages.ts submitAddress',                    'browsers'],
  ['GET HEAD',         '/oauth/:tenant/register/code',                             'login/registration-pages.ts askForRegistrationCode',           'browsers'],
  ['POST',             '/oauth/:tenant/register/code',                             'login/registration-pages.ts submitRegistrationCode',           'browsers'],
  ['GET HEAD',         '/oauth/:tenant/register/account',                          'login/new-account-page.ts askForNewAccount',                   'browsers'],
  ['POST',             '/oauth/:tenant/register/account',                          'login/new-account-page.ts submitNewAccount',                   'browsers'],
  ['GET HEAD',         '/oauth/:tenant/recover/factor',                            'login/factor-recovery-page.ts askForFactorRecovery',          'browsers'],
  ['POST',             '/oauth/:tenant/recover/factor',                            'login/factor-recovery-page.ts submitFactorRecovery',          'browsers'],
  ['GET HEAD',         '/oauth/:tenant/demo-mail',                                 'login/demo-mail.ts showDemoMail',                             'browsers'],
  ['GET HEAD',         '/oauth/:tenant/device/qr',                                 'login/device-qr.ts showDeviceQr',                             'browsers'],
  ['GET HEAD',         '/oauth/:tenant/devices',                                   'self-service/own-devices.ts listDevices',                     'programs'],
  ['OPTIONS',          '/oauth/:tenant/devices',                                   'self-service/own-devices.ts allowOrigin',                     'programs'],
  ['PATCH',            '/oauth/:tenant/devices/:id',                               'self-service/own-devices.ts renameDevice',                    'programs'],
  ['DELETE',           '/oauth/:tenant/devices/:id',                               'self-service/own-devices.ts revokeDevice',                    'programs'],
  ['OPTIONS',          '/oauth/:tenant/devices/:id',                               'self-service/own-devices.ts allowOrigin',                     'programs'],
  // the operations of the API follow from their descriptions, see `apiRows`
  ['GET HEAD',         '/oauth/:tenant/api/v1/openapi.json',                       'self-service/api/api-document.ts createApiDocument',          'programs'],
] as const satisfies readonly Row[];

// The last row leads to the tenant's provider (`oidc/provider/tenant-provider.ts`), which finds its routes by itself:
// in either case, with or without one trailing slash; another path or method is its own 404. The other rows say which
// there are, and which of them the fast path takes.
// biome-ignore format: columns
const protocolRows = [
  ['GET HEAD OPTIONS',      '/oauth/:tenant/.well-known/openid-configuration',       'oidc-provider discovery',                    'programs', 'fast'],
  ['GET HEAD OPTIONS',      '/oauth/:tenant/.well-known/oauth-authorization-server', 'oidc-provider discovery',                    'programs', 'fast'],
  ['GET HEAD OPTIONS',      '/oauth/:tenant/jwks',                                   'oidc-provider jwks',                         'programs', 'fast'],
  // a form is sent on as a GET by `posted-request.ts`
  ['GET HEAD POST',         '/oauth/:tenant/auth',                                   'oidc-provider authorization',                'browsers'],
  ['GET HEAD',              '/oauth/:tenant/auth/:uid',                              'oidc-provider resume',                       'browsers'],
  ['POST OPTIONS',          '/oauth/:tenant/request',                                'oidc-provider pushed_authorization_request', 'programs'],
  ['POST OPTIONS',          '/oauth/:tenant/authorize-challenge',                    'oidc-provider token',                        'programs'],
  ['POST OPTIONS',          '/oauth/:tenant/token',                                  'oidc-provider token',                        'programs', 'fast'],
  ['POST OPTIONS',          '/oauth/:tenant/token/introspection',                    'oidc-provider introspection',                'programs', 'fast'],
  ['POST OPTIONS',          '/oauth/:tenant/token/revocation',                       'oidc-provider revocation',                   'programs', 'fast'],
  ['GET HEAD POST OPTIONS', '/oauth/:tenant/me',                                     'oidc-provider userinfo',                     'programs', 'fast'],
  ['POST OPTIONS',          '/oauth/:tenant/device/auth',                            'oidc-provider device_authorization',         'programs'],
  ['GET HEAD POST',         '/oauth/:tenant/device',                                 'oidc-provider code_verification',            'browsers'],
  ['GET HEAD',              '/oauth/:tenant/device/:uid',                            'oidc-provider device_resume',                'browsers'],
  ['GET HEAD POST',         '/oauth/:tenant/session/end',                            'oidc-provider end_session',                  'browsers'],
  ['POST',                  '/oauth/:tenant/session/end/confirm',                    'oidc-provider end_session_confirm',          'browsers'],
  ['GET HEAD',              '/oauth/:tenant/session/end/success',                    'oidc-provider end_session_success',          'browsers'],
  ['*',                     '/oauth/:tenant/*rest',                                  'oidc-provider',                              'browsers'],
] as const satisfies readonly Row[];

const preflightRow = (path: string): Row => [
  'OPTIONS',
  `/oauth/:tenant${path}`,
  'self-service/api/answer-operation.ts answerPreflight',
  'programs',
];

// One row for each operation of the API below `/oauth/:tenant/api/v1`, and one for the preflight requests of its path.
const apiRows: readonly Row[] = [
  ...[...byPath(operations, apiPath)].flatMap(([path, found]): readonly Row[] => [
    ...found.map(
      ({ id, method }): Row => [
        method === 'GET' ? 'GET HEAD' : method,
        `/oauth/:tenant${path}`,
        `self-service/api/operations.ts ${id}`,
        'programs',
      ],
    ),
    preflightRow(path),
  ]),
  preflightRow(`${apiPath}/openapi.json`),
];

// One row for each operation of the administration API, on the hosts of public URLs. Whether the tenant of the address exists
// is said after the caller is known.
const adminRows: readonly Row[] = [
  ['GET HEAD', `${adminApiPath}/openapi.json`, 'admin/api/api-document.ts createAdminDocument', 'programs'],
  ...[...byPath(adminOperations, adminApiPath)].flatMap(([path, found]): readonly Row[] =>
    found.map(
      ({ id, method }): Row => [
        method === 'GET' ? 'GET HEAD' : method,
        path,
        `admin/api/operations.ts ${id}`,
        'programs',
      ],
    ),
  ),
];

type Row = readonly [methods: string, path: string, answeredBy: string, audience: Audience, speed?: 'fast'];

type NameIn<A> = A extends `${string} ${infer Name}` ? Name : never;
/** The handlers of addresses that belong to no tenant. */
export type RootAnswer = NameIn<(typeof rootRows)[number][2]>;
/** The handlers of a tenant's addresses, without its provider. */
export type TenantAnswer = NameIn<(typeof tenantRows)[number][2]>;

/** The function's name in `answeredBy`. */
export const nameIn = ({ answeredBy }: Pick<Route, 'answeredBy'>): string => answeredBy.split(' ')[1] ?? '';

const toRoutes = (rows: readonly Row[], kind: Route['kind'], isOfTenant = false): readonly Route[] =>
  rows.map(([methods, path, answeredBy, audience, speed]) => ({
    methods: methods === '*' ? [] : methods.split(' '),
    path,
    answeredBy,
    audience,
    kind,
    isOfTenant,
    isFast: speed === 'fast',
  }));

/** In the order in which they are tried. */
export const routes: readonly Route[] = [
  ...toRoutes(gatewayRows, 'gateway'),
  ...toRoutes(rootRows, 'own'),
  ...toRoutes(adminRows, 'own'),
  ...toRoutes(tenantRows, 'own', true),
  ...toRoutes(apiRows, 'own', true),
  ...toRoutes(protocolRows, 'protocol', true),
];
