import { join } from 'node:path';
import type { Context } from 'koa';
import { createGatewayPages } from '../gateway/sign-in/gateway-pages.ts';
import { showActivity } from '../login/account/account-activity.ts';
import { showOwnApps, submitWithdrawal } from '../login/account/account-apps.ts';
import { askForDeletion, submitDeletion } from '../login/account/account-deletion.ts';
import { submitDeviceSignOut } from '../login/account/account-devices.ts';
import {
  askForEmail,
  askForEmailCode,
  askToConfirmEmail,
  submitEmail,
  submitEmailCode,
  submitEmailConfirmation,
} from '../login/account/account-email.ts';
import { submitExport } from '../login/account/account-export.ts';
import {
  askForTotp,
  showFactors,
  submitFactorRemoval,
  submitNewRecoveryCodes,
  submitTotp,
} from '../login/account/account-factors.ts';
import { showAccountKept } from '../login/account/account-kept.ts';
import { showAccount } from '../login/account/account-pages.ts';
import { askForPasskey, submitNewPasskey } from '../login/account/account-passkeys.ts';
import { askForNewPassword, submitNewPassword } from '../login/account/account-password.ts';
import { submitPicture, submitPictureRemoval } from '../login/account/account-picture.ts';
import {
  askForUsername,
  showProfile,
  submitProfile,
  submitUsername,
} from '../login/account/account-profile.ts';
import {
  showOwnSessions,
  submitOtherSessionsEnd,
  submitSessionEnd,
} from '../login/account/account-sessions.ts';
import { askForSource, submitConnect, submitDisconnect } from '../login/account/account-sources.ts';
import { submitAccountChoice } from '../login/account-choice.ts';
import { cancelInteraction, submitConsent } from '../login/consent-page.ts';
import { showDemoMail } from '../login/demo-mail.ts';
import { pollDeviceLogin, startDeviceLogin } from '../login/device-login.ts';
import { showDeviceQr } from '../login/device-qr.ts';
import { askToUndoEmail, showEmailUndone, submitEmailUndo } from '../login/email-undo-page.ts';
import { askForFactorRecovery, submitFactorRecovery } from '../login/factor-recovery-page.ts';
import { submitMailedCode, submitMailRequest } from '../login/factors/email-code-page.ts';
import { submitFactor, submitPasskey } from '../login/factors/factor-page.ts';
import {
  continueWithoutQuestion,
  submitFactorSetUp,
  submitPasskeySetUp,
} from '../login/factors/factor-set-up.ts';
import { initiateLogin } from '../login/initiate-login.ts';
import type { InteractionVisit } from '../login/interaction-form.ts';
import { showInteraction } from '../login/interaction-page.ts';
import { submitLogin } from '../login/login-page.ts';
import { lookOf } from '../login/login-tenant.ts';
import { askForNewAccount, submitNewAccount } from '../login/new-account-page.ts';
import { submitPasskeyLogin } from '../login/passkey-login.ts';
import { submitDemandedPasswordChange } from '../login/password-demand.ts';
import {
  askForCode,
  askForName,
  askForRecoveredPassword,
  showRecovered,
  submitCode,
  submitName,
  submitRecoveredPassword,
} from '../login/recovery-pages.ts';
import {
  askForAddress,
  askForRegistrationCode,
  submitAddress,
  submitRegistrationCode,
} from '../login/registration-pages.ts';
import { orAskAgain, orSayItIsOver } from '../login/sign-in-over.ts';
import { finishSignIn, startSignIn } from '../login/start-sign-in.ts';
import { createTenantSelection } from '../login/tenant-selection.ts';
import { receiveUpstream } from '../login/upstream/upstream-callback.ts';
import {
  receiveBackchannelLogout,
  receiveFrontchannelLogout,
  returnFromSignOut,
} from '../login/upstream/upstream-logout.ts';
import { returnFromUpstream } from '../login/upstream/upstream-return.ts';
import { submitUpstream } from '../login/upstream/upstream-start.ts';
import { answerOperation, answerPreflight, orRefuseUnknown } from '../self-service/api/answer-operation.ts';
import { createApiDocument } from '../self-service/api/api-document.ts';
import { operations } from '../self-service/api/operations.ts';
import { allowOrigin, listDevices, renameDevice, revokeDevice } from '../self-service/own-devices.ts';
import { showPicture } from '../self-service/show-picture.ts';
import { issuerOf } from '../tenants/issuer.ts';
import type { Tenant } from '../tenants/tenant.ts';
import { createFormParser, createJsonParser } from '../web/body.ts';
import { createCsrf } from '../web/csrf.ts';
import { nothingHere } from '../web/problem.ts';
import { openAssetServer } from '../web/serve-assets.ts';
import { type BindAccountForm, bindAccountKeys } from './account-key-answers.ts';
import { bindAdminApi } from './admin-answers.ts';
import { showHealth, showReadiness } from './health.ts';
import { findTenant, findTenantHere, getTenantHere, lookOfNobody } from './request-tenant.ts';
import type { AnswerOfTenant, RouterParts } from './router.ts';
import type { ServerParts } from './server-parts.ts';
import { askProvider, openIssuer, redirectWithoutSlash, showMetadata } from './tenant-protocol.ts';

/** The functions that the rows of the table are bound to, each with the parts that it needs. */
export const createBoundAnswers = (parts: ServerParts): RouterParts => {
  const { settings, tenants, pages, clock, log } = parts;
  const { publicUrl } = settings.server;
  const urlOf = (definition: Tenant['definition']): string => issuerOf(definition, publicUrl);
  const selectTenant = createTenantSelection({
    pages,
    isSecure: publicUrl.startsWith('https:'),
    isAsking: settings.tenants.selection === 'ask',
  });
  const gateway = createGatewayPages<Tenant>({
    handOver: parts.gateway.handOver,
    cookiePlace: parts.gateway.cookie,
    publicUrl,
    pages,
    log,
    clock,
    lookOf: (ctx, definition) => (definition === undefined ? lookOfNobody(ctx) : lookOf(ctx, { definition })),
    startSignIn,
    findTenant: (id) => findTenant(tenants, id),
    listTenants: () => tenants.list(),
    issuerOf: urlOf,
    selectTenant,
  });
  const login = {
    pages,
    csrf: createCsrf(parts.masterKey.derive('csrf')),
    clock,
    log,
    switchTenantUrl: (target: string | undefined) =>
      tenants.status().files > 1 ? gateway.switchTenantUrl(target, tenants.known()) : undefined,
    notices: parts.notices,
    services: gateway,
  };
  const own = { parseJson: createJsonParser(), clock, log };
  const device = { findTenant: (ctx: Context, id: string) => findTenantHere(tenants, ctx, id), log };
  const assets = openAssetServer({ directory: join(parts.viewsDirectory, 'assets') });
  const serveAsset = (ctx: Context): Promise<void> =>
    assets(ctx, () => Promise.reject(nothingHere())) as Promise<void>; // koa types what a middleware gives as unknown
  const form = parsingForm();
  /** One page or form of an interaction. */
  const visit =
    (answer: (parts: typeof login, visit: InteractionVisit) => Promise<void>): AnswerOfTenant =>
    (ctx, tenant, { uid = '' }) =>
      orSayItIsOver(answer)(login, { ctx, tenant, uid });
  /** A form of the account page. */
  const accountForm: BindAccountForm = (answer) =>
    form((ctx, tenant, { source, client_id: app = source, id = app ?? '' }) =>
      orAskAgain(() => answer(ctx, tenant, id))(login, ctx, tenant),
    );

  return {
    admin: bindAdminApi(parts),
    getTenant: (ctx, id) => getTenantHere(tenants, ctx, id),
    provider: orRefuseUnknown((ctx, tenant) => askProvider(gateway, ctx, tenant)),
    root: {
      showHealth,
      showReadiness: (ctx) => showReadiness(ctx, parts),
      openAssetServer: serveAsset,
      createTenantSelection: async (ctx) => selectTenant(ctx, { tenants: await tenants.list(), urlOf }),
      chooseTenant: gateway.chooseTenant,
      startHandOver: gateway.startHandOver,
      receiveTicket: gateway.receiveTicket,
      createGatewaySignOut: gateway.signOut,
      pollDeviceLogin: (ctx) => pollDeviceLogin(device, ctx),
    },
    ofTenant: {
      startDeviceLogin,
      showMetadata: (ctx, tenant) => showMetadata(gateway, ctx, tenant),
      openIssuer: (ctx, tenant) => openIssuer(gateway, ctx, tenant),
      redirectWithoutSlash,
      createGatewaySignIn: gateway.signIn,
      showInteraction: visit(showInteraction),
      submitLogin: form(visit(submitLogin)),
      submitAccountChoice: form(visit(submitAccountChoice)),
      submitDemandedPasswordChange: form(visit(submitDemandedPasswordChange)),
      submitPasskeyLogin: form(visit(submitPasskeyLogin)),
      submitFactor: form(visit(submitFactor)),
      submitPasskey: form(visit(submitPasskey)),
      submitMailedCode: form(visit(submitMailedCode)),
      submitMailRequest: form(visit(submitMailRequest)),
      submitPasskeySetUp: form(visit(submitPasskeySetUp)),
      submitFactorSetUp: form(visit(submitFactorSetUp)),
      continueWithoutQuestion: form(visit(continueWithoutQuestion)),
      submitConsent: form(visit(submitConsent)),
      cancelInteraction: form(visit(cancelInteraction)),
      submitUpstream: form((ctx, tenant, { uid = '', source = '' }) =>
        orSayItIsOver((_, place) => submitUpstream(login, place, source))(login, { ctx, tenant, uid }),
      ),
      returnFromUpstream: visit(returnFromUpstream),
      initiateLogin: form(initiateLogin),
      receiveUpstream: (ctx, tenant, { source = '' }) =>
        receiveUpstream(login, ctx, { tenant, source, search: ctx.search }),
      returnFromSignOut: (ctx, tenant, { source = '' }) => returnFromSignOut(ctx, { tenant, source }),
      receiveFrontchannelLogout: (ctx, tenant, { source = '' }) =>
        receiveFrontchannelLogout(ctx, { tenant, source }),
      receiveBackchannelLogout: form((ctx, tenant, { source = '' }) =>
        receiveBackchannelLogout(ctx, { tenant, source }),
      ),
      showAccount: (ctx, tenant) => showAccount(login, ctx, tenant),
      finishSignIn: (ctx, tenant) =>
        finishSignIn(
          { ...login, startSessionHere: () => gateway.startSessionHere(ctx, tenant) },
          ctx,
          tenant,
        ),
      askForNewPassword: (ctx, tenant) => askForNewPassword(login, ctx, tenant),
      submitNewPassword: accountForm((ctx, tenant) => submitNewPassword(login, ctx, tenant)),
      showFactors: (ctx, tenant) => showFactors(login, ctx, tenant),
      askForTotp: (ctx, tenant) => askForTotp(login, ctx, tenant),
      submitTotp: accountForm((ctx, tenant) => submitTotp(login, ctx, tenant)),
      askForPasskey: (ctx, tenant) => askForPasskey(login, ctx, tenant),
      submitNewPasskey: accountForm((ctx, tenant) => submitNewPasskey(login, ctx, tenant)),
      submitNewRecoveryCodes: accountForm((ctx, tenant) => submitNewRecoveryCodes(login, ctx, tenant)),
      submitFactorRemoval: accountForm((ctx, tenant, id) => submitFactorRemoval(login, ctx, { tenant, id })),
      ...bindAccountKeys(login, accountForm),
      askForSource: (ctx, tenant, { source = '' }) => askForSource(login, ctx, { tenant, source }),
      submitConnect: accountForm((ctx, tenant, source) => submitConnect(login, ctx, { tenant, source })),
      submitDisconnect: accountForm((ctx, tenant, source) =>
        submitDisconnect(login, ctx, { tenant, source }),
      ),
      showOwnSessions: (ctx, tenant) => showOwnSessions(login, ctx, tenant),
      submitSessionEnd: accountForm((ctx, tenant, id) => submitSessionEnd(login, ctx, { tenant, id })),
      submitOtherSessionsEnd: accountForm((ctx, tenant) => submitOtherSessionsEnd(login, ctx, tenant)),
      showOwnApps: (ctx, tenant) => showOwnApps(login, ctx, tenant),
      submitWithdrawal: accountForm((ctx, tenant, clientId) =>
        submitWithdrawal(login, ctx, { tenant, clientId }),
      ),
      showActivity: (ctx, tenant) => showActivity(login, ctx, tenant),
      showProfile: (ctx, tenant) => showProfile(login, ctx, tenant),
      submitProfile: accountForm((ctx, tenant) => submitProfile(login, ctx, tenant)),
      askForUsername: (ctx, tenant) => askForUsername(login, ctx, tenant),
      submitUsername: accountForm((ctx, tenant) => submitUsername(login, ctx, tenant)),
      askForEmail: (ctx, tenant) => askForEmail(login, ctx, tenant),
      submitEmail: accountForm((ctx, tenant) => submitEmail(login, ctx, tenant)),
      askForEmailCode: (ctx, tenant) => askForEmailCode(login, ctx, tenant),
      submitEmailCode: accountForm((ctx, tenant) => submitEmailCode(login, ctx, tenant)),
      askToConfirmEmail: (ctx, tenant) => askToConfirmEmail(login, ctx, tenant),
      submitEmailConfirmation: accountForm((ctx, tenant) => submitEmailConfirmation(login, ctx, tenant)),
      askToUndoEmail: (ctx, tenant) => askToUndoEmail(login, ctx, tenant),
      submitEmailUndo: form((ctx, tenant) => submitEmailUndo(login, ctx, tenant)),
      showEmailUndone: async (ctx, tenant) => showEmailUndone(login, ctx, tenant),
      submitPicture: (ctx, tenant) =>
        orAskAgain((_, place, here) => submitPicture(login, place, here))(login, ctx, tenant),
      submitPictureRemoval: accountForm((ctx, tenant) => submitPictureRemoval(login, ctx, tenant)),
      showPicture: (ctx, tenant, { sub = '', id = '' }) => showPicture(ctx, tenant, { sub, id }),
      submitExport: accountForm((ctx, tenant) => submitExport(login, ctx, tenant)),
      askForDeletion: (ctx, tenant) => askForDeletion(login, ctx, tenant),
      submitDeletion: accountForm((ctx, tenant) => submitDeletion(login, ctx, tenant)),
      showAccountKept: async (ctx, tenant) => showAccountKept(login, ctx, tenant),
      submitDeviceSignOut: accountForm((ctx, tenant, id) => submitDeviceSignOut(login, ctx, { tenant, id })),
      askForName: async (ctx, tenant) => askForName(login, ctx, tenant),
      submitName: form((ctx, tenant) => submitName(login, ctx, tenant)),
      askForCode: async (ctx, tenant) => askForCode(login, ctx, tenant),
      submitCode: form((ctx, tenant) => submitCode(login, ctx, tenant)),
      askForRecoveredPassword: (ctx, tenant) => askForRecoveredPassword(login, ctx, tenant),
      submitRecoveredPassword: form((ctx, tenant) => submitRecoveredPassword(login, ctx, tenant)),
      showRecovered: async (ctx, tenant) => showRecovered(login, ctx, tenant),
      askForAddress: async (ctx, tenant) => askForAddress(login, ctx, tenant),
      submitAddress: form((ctx, tenant) => submitAddress(login, ctx, tenant)),
      askForRegistrationCode: async (ctx, tenant) => askForRegistrationCode(login, ctx, tenant),
      submitRegistrationCode: form((ctx, tenant) => submitRegistrationCode(login, ctx, tenant)),
      askForNewAccount: (ctx, tenant) => askForNewAccount(login, ctx, tenant),
      submitNewAccount: form((ctx, tenant) => submitNewAccount(login, ctx, tenant)),
      askForFactorRecovery: (ctx, tenant) => askForFactorRecovery(login, ctx, tenant),
      submitFactorRecovery: form((ctx, tenant) => submitFactorRecovery(login, ctx, tenant)),
      showDemoMail: (ctx, tenant) => showDemoMail(login, ctx, tenant),
      showDeviceQr: (ctx, { provider }) => showDeviceQr(ctx, provider.issuer),
      listDevices: (ctx, tenant) => listDevices(own, ctx, tenant),
      allowOrigin,
      renameDevice: (ctx, tenant, { id = '' }) => renameDevice(own, ctx, { tenant, id }),
      revokeDevice: (ctx, tenant, { id = '' }) => revokeDevice(own, ctx, { tenant, id }),
      createApiDocument: createApiDocument(),
    },
    api: {
      answerPreflight,
      ...Object.fromEntries(
        operations.map((operation): [string, AnswerOfTenant] => [
          operation.id,
          (ctx, tenant, path) => answerOperation(own, operation, { ctx, tenant, path }),
        ]),
      ),
    },
  };
};

/** A form is read when its tenant is known, and only where one is expected: nothing may read the provider's bodies. */
const parsingForm = (): ((answer: AnswerOfTenant) => AnswerOfTenant) => {
  const parse = createFormParser();
  return (answer) => (ctx, tenant, given) =>
    parse(ctx, async () => answer(ctx, tenant, given)) as Promise<void>; // koa types what a middleware gives as unknown
};
