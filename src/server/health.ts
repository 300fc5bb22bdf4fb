import Koa, { type Context } from 'koa';
import type { BreachedListCounts } from '../accounts/breached-passwords.ts';
import { AppError } from '../errors.ts';
import type { Log } from '../log.ts';
import { isLoopbackHost } from '../protocol/loopback.ts';
import type { Storage } from '../storage/storage.ts';
import type { Tenant } from '../tenants/tenant.ts';
import type { TenantRegistry } from '../tenants/tenant-registry.ts';
import { problemBody, problemHeaders, problemOf } from '../web/problem.ts';
import { requestFacts } from '../web/request-facts.ts';

/** Can this process serve requests? `isDraining` is set before the port closes, so that a balancer avoids it. */
export interface Readiness {
  isDraining: boolean;
  /** False while the gateway allows every request (`AUTH_ENABLED=false`). */
  readonly isAuthenticating: boolean;
  /** Services that the built-in proxy forwards to. */
  readonly services: () => readonly { readonly service: string; readonly isUp: boolean }[];
  readonly breachedListCounts: Readonly<BreachedListCounts>;
}

export interface ReadinessParts {
  readonly readiness: Readiness;
  readonly storage: Storage;
  readonly tenants: TenantRegistry<Tenant>;
  readonly log: Log;
}

/** The numbers in the text format of Prometheus. */
export interface NumbersText {
  readonly contentType: string;
  /** @throws Error when another worker does not answer */
  text(): Promise<string>;
}

/** `/healthz`: the process answers. */
export const showHealth = (ctx: Context): void => {
  ctx.body = { status: 'ok' };
};

/**
 * `/readyz`: 200 when requests can be served. The public gets a status and counts; a client on this machine also gets
 * the broken and refused tenants, with the reasons, the services that are down, and how often this process got no answer
 * from a list of breached passwords. A service that is down does not change the answer: removing this process from the
 * balancer would stop sign-in for all others, and no other instance could reach the service better.
 */
export const showReadiness = (ctx: Context, parts: ReadinessParts): Promise<void> =>
  answerReadiness(ctx, parts, isAskedHere(ctx));

/** The answers of the management listener: with all details, since only operators can reach it. */
export const createManagementApp = (parts: ReadinessParts, numbers: NumbersText): Koa => {
  const app = new Koa();
  app.use(async (ctx) => {
    ctx.set('Cache-Control', 'no-store');
    if (ctx.path === '/healthz') return showHealth(ctx);
    if (ctx.path === '/readyz') return answerReadiness(ctx, parts, true);
    if (ctx.path === '/metrics') return showNumbers(ctx, parts.log, numbers);
    const problem = problemOf(
      new AppError('not_found', 'The management listener serves /healthz, /readyz and /metrics'),
    );
    ctx.status = problem.status;
    ctx.set(problemHeaders(problem));
    ctx.body = problemBody(problem);
  });
  return app;
};

const showNumbers = async (ctx: Context, log: Log, numbers: NumbersText): Promise<void> => {
  try {
    ctx.body = await numbers.text();
    ctx.set('Content-Type', numbers.contentType);
  } catch (err) {
    log.warn({ err }, 'the numbers of all workers could not be collected');
    ctx.status = 503;
  }
};

const answerReadiness = async (ctx: Context, parts: ReadinessParts, isDetailed: boolean): Promise<void> => {
  const { files, checked, isChecked, broken, refused } = parts.tenants.status();
  const { isDraining, isAuthenticating, breachedListCounts } = parts.readiness;
  const store = await isStoreUp(parts);
  const services = parts.readiness.services();
  const down = services.filter(({ isUp }) => !isUp).map(({ service }) => service);
  const status = isDraining ? 'draining' : !store ? 'store_unavailable' : !isChecked ? 'checking' : 'ready';
  ctx.status = status === 'ready' ? 200 : 503;
  if (status !== 'ready') ctx.set('Retry-After', '2');
  ctx.body = {
    status,
    ...(isAuthenticating ? {} : { authentication: 'disabled' }),
    tenants: { files, checked, broken: broken.length },
    ...(services.length === 0 ? {} : { services: { proxied: services.length, down: down.length } }),
    ...(isDetailed
      ? {
          store: { engine: parts.storage.engine, location: parts.storage.location, isUp: store },
          broken: broken.map(({ id, faults, isServed }) => ({ tenant: id, faults, isServed })),
          refused: refused.map(({ id, reason }) => ({ tenant: id, reason })),
          down,
          ...(breachedListCounts.asked === 0 ? {} : { breachedPasswords: breachedListCounts }),
        }
      : {}),
  };
};

/** A request of this machine itself: a proxy on this machine would name the client in a header. */
const isAskedHere = (ctx: Context): boolean =>
  isLoopbackHost(requestFacts(ctx).address) &&
  ['X-Forwarded-For', 'Forwarded', 'Via'].every((name) => ctx.get(name) === '');

const isStoreUp = async ({ storage, log }: ReadinessParts): Promise<boolean> => {
  try {
    await storage.ping();
    return true;
  } catch (err) {
    log.error({ err }, 'the store does not answer');
    return false;
  }
};
