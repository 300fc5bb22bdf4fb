import type { Context } from 'koa';
import type { ServiceDefinition } from '../../config/gateway/gateway-definition.ts';
import { readSessionCookie, type SessionCookiePlace, sessionCookie, withSession } from '../cookies.ts';
import type { GatewayTenant } from '../gateway-types.ts';
import type { GatewaySession, NewGatewaySession } from './gateway-sessions.ts';
import type { HandOver } from './hand-over.ts';

export interface SessionStart {
  readonly tenant: Pick<GatewayTenant, 'definition' | 'gatewaySessions'>;
  readonly service: ServiceDefinition;
  readonly login: Omit<NewGatewaySession, 'host'>;
}

export interface SessionStartParts {
  readonly handOver: HandOver;
  readonly cookiePlace: SessionCookiePlace;
}

/**
 * Gives the browser a session at the service, beside those of other tenants. Tabs that return one after the other share
 * one; a session that is replaced is ended.
 * @throws AppError `unavailable`
 */
export const startGatewaySession = async (
  { handOver, cookiePlace }: SessionStartParts,
  ctx: Context,
  { tenant, service, login }: SessionStart,
): Promise<void> => {
  const { gatewaySessions, definition } = tenant;
  const entries = readSessionCookie(ctx.headers, cookiePlace);
  const old = entries.find((entry) => entry.tenant === definition.id);
  const current =
    old === undefined
      ? undefined
      : await gatewaySessions.find(old.value, new URL(handOver.originOf(service)).host);
  if (old !== undefined && current !== undefined && isOf(current, login)) return;
  const value = await gatewaySessions.begin({ ...login, host: handOver.sessionHost(service) });
  if (old !== undefined && current !== undefined) await gatewaySessions.end(old.value);
  ctx.append('Set-Cookie', [
    sessionCookie(cookiePlace, withSession(entries, { tenant: definition.id, value })),
  ]);
};

const isOf = (session: GatewaySession, login: SessionStart['login']): boolean =>
  session.account.sub === login.sub &&
  session.sessionId === login.sessionId &&
  session.signedInAt === login.signedInAt &&
  session.acr === login.acr;
