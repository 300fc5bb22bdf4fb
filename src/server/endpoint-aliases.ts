import type { Middleware } from 'koa';
import { nothingHere } from '../web/problem.ts';
import { requestFacts } from '../web/request-facts.ts';
import type { PublicHosts } from './public-hosts.ts';

/** Those of `mtls_endpoint_aliases`: endpoints of programs, without pages and cookies. */
const aliasPath = /^\/oauth\/[^/]+\/(?:token(?:\/introspection|\/revocation)?|request|me|device\/auth)$/;

/** On the host of the endpoint aliases there is nothing else. @throws AppError `not_found` */
export const createAliasCheck =
  ({ isAlias }: Pick<PublicHosts, 'isAlias'>): Middleware =>
  async (ctx, next) => {
    const facts = requestFacts(ctx);
    if (isAlias(facts.host) && !isHealth(ctx.path)) {
      if (!aliasPath.test(ctx.path)) throw nothingHere();
      facts.isAtAlias = true;
    }
    await next();
  };

const isHealth = (path: string): boolean => path === '/healthz' || path === '/readyz';
