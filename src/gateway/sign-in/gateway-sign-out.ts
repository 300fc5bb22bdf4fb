import type { Context } from 'koa';
import { isCrossSite } from '../../web/csrf.ts';
import { requestFacts } from '../../web/request-facts.ts';
import { sendPage } from '../../web/send-page.ts';
import { readSessionCookie, sessionCookie, withoutSession } from '../cookies.ts';
import type { GatewayPagesParts } from './gateway-page-parts.ts';
import type { HandOverTenant } from './gateway-sign-in.ts';

/**
 * `/.drawbridge/sign-out[?tenant=]`: ends the sessions of this host and redirects to the tenant's own sign-out, which
 * asks whether to end everything else too. After a link of another site the person has to confirm first. A form of
 * another site is refused, and would be sent without the cookie (`SameSite=Lax`), so the page's form needs no token.
 */
export const createGatewaySignOut =
  <T extends HandOverTenant>(parts: GatewayPagesParts<T>) =>
  async (ctx: Context): Promise<void> => {
    const { pages, cookiePlace, publicUrl } = parts;
    const { tenant: named } = ctx.query;
    const entries = readSessionCookie(ctx.headers, cookiePlace);
    const ending = typeof named === 'string' ? entries.filter(({ tenant }) => tenant === named) : entries;
    const isMeant = ctx.method === 'POST' ? !isCrossSite(ctx.headers) : isOwnNavigation(ctx);
    if (!isMeant)
      return sendPage(ctx, pages, {
        name: 'service-sign-out',
        model: { action: ctx.path + ctx.search, host: requestFacts(ctx).host },
        look: parts.lookOf(ctx),
      });

    for (const { tenant: id, value } of ending)
      await (await parts.findTenant(id))?.gatewaySessions.end(value);
    if (entries.length > 0) {
      const kept = typeof named === 'string' ? withoutSession(entries, named) : [];
      ctx.append('Set-Cookie', [sessionCookie(cookiePlace, kept)]);
    }
    // the newest session, because one sign-out can be about one tenant only
    const home = ending.at(-1)?.tenant ?? (typeof named === 'string' ? named : undefined);
    const definition = (await parts.listTenants()).find(({ id }) => id === home);
    ctx.status = 303;
    ctx.redirect(definition === undefined ? `${publicUrl}/` : `${parts.issuerOf(definition)}/session/end`);
  };

/** True for a link of the service's own page, or a typed address; never for a picture, a frame or a preview. */
const isOwnNavigation = ({ headers }: Context): boolean => {
  const site = headers['sec-fetch-site'];
  return (
    (site === 'same-origin' || site === 'none') &&
    headers['sec-fetch-mode'] === 'navigate' &&
    headers['sec-fetch-dest'] === 'document' &&
    headers['sec-purpose'] === undefined
  );
};
