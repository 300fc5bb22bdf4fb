import { isFactorMissing } from '../../accounts/factors/factor-demand.ts';
import type { PresentedCredential } from '../../accounts/presented-credential.ts';
import { mayHoldTokensSince } from '../../accounts/standing.ts';
import type { ServiceDefinition } from '../../config/gateway/gateway-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import { canonicalLogin } from '../../protocol/canonical-login.ts';
import { readSessionCookie, type SessionCookiePlace } from '../cookies.ts';
import { type ChooseTenant, notServed } from '../decision/choose-tenant.ts';
import type {
  Caller,
  FindGatewayTenant,
  GatewayRequest,
  GatewayTenant,
  Identification,
} from '../gateway-types.ts';
import type { BasicCache } from './basic-cache.ts';
import type { CallerCache, NotKnown } from './caller-cache.ts';
import { proofOf, sessionKeptMs } from './identify-session.ts';
import { personOf } from './person.ts';

export interface IdentifyBasicParts {
  readonly findTenant: FindGatewayTenant;
  readonly chooseTenant: ChooseTenant;
  readonly passwords: BasicCache;
  readonly callers: CallerCache;
  readonly cookie: SessionCookiePlace;
}

type NameAndPassword = Pick<Extract<PresentedCredential, { kind: 'basic' }>, 'login' | 'password'>;

const bad = (error: 'invalid_request' | 'credentials', description: string) =>
  ({ status: 'bad', scheme: 'Basic', error, description }) as const;

/** The same for every name: it says nothing about people. */
const noPasswords =
  'No source of this tenant checks the passwords of services: set passwordSignIn: true of the source, or give a source of type oauth2 its six properties';

/** The caller of a name and a password, which `Accounts.signIn` verifies like any other. */
export const createIdentifyBasic = (parts: IdentifyBasicParts) => {
  const { findTenant, chooseTenant, passwords, callers, cookie } = parts;

  /**
   * A client that keeps the cookie and still sends name and password has proven them before: they began the session of
   * the cookie. Any other content of the cookie is ignored.
   */
  const findProven = async (
    tenant: GatewayTenant,
    { headers, host }: GatewayRequest,
    presented: NameAndPassword,
  ): Promise<Caller | undefined> => {
    const { definition } = tenant;
    const entry = readSessionCookie(headers, cookie).find((one) => one.tenant === definition.id);
    if (entry === undefined) return undefined;
    const { login, password } = presented;
    const key = callers.keyOf(definition, 'password session', host, entry.value, login, password);
    const found = await callers.find(key, definition.id, async () => {
      const session = await tenant.gatewaySessions.find(entry.value, host, { login, password });
      if (session === undefined) return { status: 'nothing' };
      const caller = await personOf(tenant, session.account, { ...proofOf(session), method: 'basic' });
      return { caller, keptMs: sessionKeptMs };
    });
    return 'status' in found ? undefined : found;
  };

  return async (
    request: GatewayRequest,
    service: ServiceDefinition,
    presented: NameAndPassword,
  ): Promise<Identification> => {
    if (!service.basic) return bad('invalid_request', 'This service takes no name and password');
    const choice = chooseTenant(request, service);
    switch (choice.status) {
      case 'forbidden':
        return choice;
      case 'unreadable':
        return bad('invalid_request', 'X-ID-TENANT-NAME is no name of a tenant');
      case 'open':
        return bad('invalid_request', 'Say in X-ID-TENANT-NAME whose name and password this is');
      case 'chosen':
    }
    const tenant = await findTenant(choice.tenant);
    if (tenant === undefined) return notServed;
    const proven = await findProven(tenant, request, presented);
    if (proven !== undefined) return known(proven, tenant);
    const ask = () => provePassword(tenant, request, presented);
    const login = canonicalLogin(presented.login);
    // no person has such a name, but the attempt counts
    if (login === undefined) return known(await ask(), tenant);
    const { password } = presented;
    // what a code has proven holds for this request alone, or for the session that it begins
    if (request.headers[otpHeader] !== undefined) return known(await ask(), tenant);
    const asked = { tenant: tenant.definition, login, password };
    const reread = (caller: Caller) => rereadAccount(tenant, caller);
    return known(await passwords.find(asked, { ask, reread }), tenant);
  };
};

/** Lower case, as Node gives it. A code of an authenticator app, or a recovery code. */
const otpHeader = 'x-otp';

const factorWords = {
  mfa_required: 'A second factor is needed: send its code in X-OTP, and keep the cookie of the answer',
  invalid_otp: 'The code in X-OTP is wrong, or was used already',
  mfa_enrolment_required: 'A second factor is needed: sign in with a browser, which shows what to do',
} as const;

const known = (caller: Caller | NotKnown, tenant: GatewayTenant): Identification =>
  'status' in caller ? caller : { status: 'known', caller, tenant };

const provePassword = async (
  tenant: GatewayTenant,
  { address, requestId, headers }: GatewayRequest,
  { login, password }: NameAndPassword,
): Promise<Caller | NotKnown> => {
  const otp = headers[otpHeader];
  const attempt = { login, password, address, via: 'basic', requestId } as const;
  const outcome = await tenant.accounts.signInAtOnce({
    ...attempt,
    ...(typeof otp === 'string' ? { otp } : {}),
  });
  if (outcome.ok) {
    const { account, amr, acr, signedInAt: authTime, source } = outcome;
    const strength = { amr, authTime, provenBy: [source], ...definedOnly({ acr }) };
    return personOf(tenant, account, { ...strength, method: 'basic', revocationIds: [] });
  }
  switch (outcome.reason) {
    case 'credentials':
      return tenant.accounts.choose({ via: 'basic' }).passwords
        ? bad('credentials', 'The name or the password is wrong')
        : bad('credentials', noPasswords);
    case 'throttled':
      return { status: 'throttled', retryAfterSeconds: outcome.retryAfterSeconds };
    case 'mfa_required':
    case 'invalid_otp':
    case 'mfa_enrolment_required':
      return bad('credentials', factorWords[outcome.reason]);
    default:
      return { status: 'refused', reason: outcome.reason };
  }
};

const rereadAccount = async (tenant: GatewayTenant, caller: Caller): Promise<Caller | undefined> => {
  const account = await tenant.accounts.findBySub(caller.sub);
  if (!mayHoldTokensSince(account, caller.authTime ?? 0)) return undefined;
  const { amr, acr, authTime, provenBy } = caller;
  if (isFactorMissing(tenant.accounts.factors.demandOf({ account, ...definedOnly({ acr }) })))
    return undefined;
  return personOf(tenant, account, {
    method: 'basic',
    amr,
    revocationIds: [],
    ...definedOnly({ acr, authTime, provenBy }),
  });
};
