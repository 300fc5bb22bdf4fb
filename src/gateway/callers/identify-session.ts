import type { ServiceDefinition } from '../../config/gateway/gateway-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import { isAppError } from '../../errors.ts';
import { readSessionCookie, type SessionCookiePlace, type SessionEntry } from '../cookies.ts';
import { type ChooseTenant, isServedBy, namedByClient, tenantOfCookie } from '../decision/choose-tenant.ts';
import type { FindGatewayTenant, GatewayRequest, Identification } from '../gateway-types.ts';
import type { GatewaySession } from '../sign-in/gateway-sessions.ts';
import type { CallerCache } from './caller-cache.ts';
import { personOf } from './person.ts';

export interface IdentifySessionParts {
  readonly findTenant: FindGatewayTenant;
  readonly chooseTenant: ChooseTenant;
  readonly callers: CallerCache;
  readonly cookie: SessionCookiePlace;
}

/** Milliseconds for which a found session is not looked up again. */
export const sessionKeptMs = 5000;

/** The proof that a session gives about its person. */
export const proofOf = ({ id, sessionId, acr, amr, expiresAt, signedInAt }: GatewaySession) => ({
  amr,
  authTime: signedInAt,
  expiresAt,
  revocationIds: sessionId === undefined ? [id] : [id, sessionId],
  ...definedOnly({ acr }),
});

const nothing = { status: 'nothing' } as const;
const disagreed = { status: 'forbidden', reason: 'tenant_contradiction' } as const;

/** The caller of the session cookie. A cookie without a live session counts as none. */
export const createIdentifySession = ({
  findTenant,
  chooseTenant,
  callers,
  cookie,
}: IdentifySessionParts) => {
  const find = async ({ tenant: id, value }: SessionEntry, host: string): Promise<Identification> => {
    const tenant = await findTenant(id);
    if (tenant === undefined) return nothing;
    const key = callers.keyOf(tenant.definition, 'session', host, value);
    const known = callers.peek(key);
    if (known !== undefined) return { status: 'known', caller: known, tenant };
    const caller = await callers.find(key, id, async () => {
      const session = await tenant.gatewaySessions.find(value, host);
      if (session === undefined) return nothing;
      const caller = await personOf(tenant, session.account, { ...proofOf(session), method: 'session' });
      return { caller, keptMs: sessionKeptMs };
    });
    return 'status' in caller ? caller : { status: 'known', caller, tenant };
  };

  /** The first live session. A tenant that cannot be served matters only if no session of the others is alive. */
  const findFirst = async (entries: readonly SessionEntry[], host: string): Promise<Identification> => {
    let outage: unknown;
    for (const entry of entries) {
      try {
        const found = await find(entry, host);
        if (found.status === 'known') return found;
      } catch (error) {
        if (!isAppError(error, 'unavailable')) throw error;
        outage ??= error;
      }
    }
    if (outage !== undefined) throw outage;
    return nothing;
  };

  return async (request: GatewayRequest, service: ServiceDefinition): Promise<Identification> => {
    const choice = chooseTenant(request, service);
    if (choice.status === 'forbidden') return choice;
    const entries = readSessionCookie(request.headers, cookie);
    if (entries.length === 0) return nothing;
    if (choice.status === 'open') {
      const preferred = tenantOfCookie(request.headers, service);
      const served = entries.filter(({ tenant }) => isServedBy(service, tenant));
      const isPreferred = ({ tenant }: SessionEntry): boolean => tenant === preferred;
      return findFirst(
        served.toSorted((one, other) => Number(isPreferred(other)) - Number(isPreferred(one))),
        request.host,
      );
    }
    const entry = entries.find(({ tenant }) => choice.status === 'chosen' && tenant === choice.tenant);
    if (entry !== undefined) return find(entry, request.host);
    if (namedByClient(request.headers) === undefined) return nothing;
    // the cookie names one tenant and contains the session of another
    const { status } = await findFirst(entries, request.host);
    return status === 'known' ? disagreed : nothing;
  };
};
