import { send } from '@koa/send';
import type { Middleware } from 'koa';
import { openAssetUrls } from './asset-urls.ts';
import { brandStylesheet } from './brand-color.ts';

export interface AssetOptions {
  /** `views/assets`. */
  readonly directory: string;
}

const forEver = 'public, max-age=31536000, immutable';

/** On hosts of services, Drawbridge answers below this path alone, so the assets of its pages there are below it. */
const borrowed = /^\/\.drawbridge(?=\/assets\/)/;

/**
 * Serves `/assets/…`. An address with the current fingerprint may be cached without limit; with another one (from a
 * page of an instance that runs another version) the same file is sent but must not be cached.
 */
export const openAssetServer = ({ directory }: AssetOptions): Middleware => {
  const urls = openAssetUrls(directory);
  return async (ctx, next) => {
    const path = ctx.path.replace(borrowed, '');
    if (!path.startsWith('/assets/') || (ctx.method !== 'GET' && ctx.method !== 'HEAD')) return await next();
    const brand = /^\/assets\/brand\/([0-9a-f]{6})\.[0-9a-f]{12}\.css$/.exec(path);
    if (brand !== null) {
      const color = `#${brand[1]}`;
      ctx.set('Cache-Control', urls.brand(color) === path ? forEver : 'no-cache');
      ctx.type = 'css';
      ctx.body = brandStylesheet(color);
      return;
    }
    const file = /^\/assets\/([^/]+?)(?:\.[0-9a-f]{12})?(\.[a-z]+)$/.exec(path);
    const name = `${file?.[1]}${file?.[2]}`;
    if (!urls.names.has(name)) return await next();
    await send(ctx, name, {
      root: directory,
      setHeaders: (res) => {
        res.setHeader('Cache-Control', urls.file(name) === path ? forEver : 'no-cache');
      },
    });
  };
};
