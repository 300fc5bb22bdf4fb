import type { Context } from 'koa';
import type { Look, PageModels, PageName, Pages } from './pages.ts';
import { allowImages } from './security-headers.ts';

export interface Page<N extends PageName> {
  readonly name: N;
  readonly model: PageModels[N];
  readonly look: Look;
  /** Default 200. */
  readonly status?: number;
}

/** Answers with a page. No cache may store it, and the browser may fetch only its logos from other hosts. */
export const sendPage = <N extends PageName>(ctx: Context, pages: Pages, page: Page<N>): void => {
  const { name, model, look, status = 200 } = page;
  allowImages(ctx, [
    look.tenant?.branding.logo,
    'clientLogo' in model ? model.clientLogo : undefined,
    ...('upstreams' in model ? model.upstreams.map(({ logo }) => logo) : []),
  ]);
  ctx.status = status;
  ctx.type = 'html';
  ctx.set('Cache-Control', 'no-store');
  ctx.vary('Accept-Language');
  ctx.body = pages.render(name, model, look);
};
