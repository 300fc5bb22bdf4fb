import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import Koa from 'koa';
import { packageRoot } from '../../src/package-root.ts';
import { openPages } from '../../src/web/open-pages.ts';
import { createSecurityHeaders } from '../../src/web/security-headers.ts';
import { sendPage } from '../../src/web/send-page.ts';
import { openAssetServer } from '../../src/web/serve-assets.ts';
import { lookOf, sampleNow, samples } from './samples.ts';

export interface Gallery {
  readonly url: string;
  close(): Promise<void>;
}

/** Serves every sample as the real server would: `/<locale>/<sample>`. */
export const openGallery = async (): Promise<Gallery> => {
  const directory = join(packageRoot(), 'views');
  const pages = openPages({ directory, clock: { now: () => sampleNow } });
  const app = new Koa();
  app.use(createSecurityHeaders({ isSecure: () => false, includeSubDomains: false }));
  app.use(openAssetServer({ directory: join(directory, 'assets') }));
  app.use((ctx) => {
    const [, locale = '', id = ''] = ctx.path.split('/');
    const sample = samples.find((candidate) => candidate.id === id);
    if (sample === undefined || (locale !== 'en' && locale !== 'de')) return;
    sample.render((name, model) =>
      sendPage(ctx, pages, { name, model, look: lookOf(locale, sample.ofServer, sample.tenant) }),
    );
  });
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
};
