import type { Context } from 'koa';
import type { TenantDefinition } from '../config/tenant-definition.ts';
import { languageUrls } from '../web/language-switch.ts';
import { localeOf } from '../web/locale.ts';
import type { Pages } from '../web/pages.ts';
import { sendPage } from '../web/send-page.ts';

export interface TenantSelectionParts {
  readonly pages: Pages;
  /** All tenants that are served. */
  readonly list: () => Promise<readonly TenantDefinition[]>;
  readonly issuerOf: (definition: TenantDefinition) => string;
  readonly isSecure: boolean;
}

const yearMs = 365 * 24 * 3600 * 1000;
/** Beyond so many tenants the page has a search field. */
const searchFrom = 10;

/**
 * `GET /`: with one tenant nobody has to name it; with several a page asks and remembers (cookie `tenant`).
 * `?tenant=` forgets the choice, `?tenant=<id>` makes it.
 */
export const createTenantSelection =
  (parts: TenantSelectionParts) =>
  async (ctx: Context): Promise<void> => {
    const served = await parts.list();
    const listed = served.filter((definition) => definition.listed);
    const goTo = (definition: TenantDefinition): void => {
      ctx.status = 303;
      ctx.redirect(parts.issuerOf(definition));
    };
    const only = served.length === 1 ? served[0] : undefined;
    if (only !== undefined) return goTo(only);

    const { tenant: asked, q } = ctx.query;
    const chosen = typeof asked === 'string' ? served.find(({ id }) => id === asked) : undefined;
    const remembered = ctx.cookies.get('tenant', { signed: false });
    if (asked !== undefined) remember(ctx, chosen?.id, parts.isSecure);
    if (chosen !== undefined) return goTo(chosen);
    const again = asked === undefined ? served.find(({ id }) => id === remembered) : undefined;
    if (again !== undefined && q === undefined) return goTo(again);

    const query = typeof q === 'string' ? q.slice(0, 100) : '';
    const locale = localeOf(ctx, 'en');
    sendPage(ctx, parts.pages, {
      name: 'select-tenant',
      model: {
        tenants: listed
          .filter(({ id, displayName }) => matches(query, id, displayName))
          .map(({ id, displayName, branding }) => ({
            id,
            displayName,
            url: `/?tenant=${encodeURIComponent(id)}`,
            color: branding.color,
          })),
        query,
        showSearch: listed.length > searchFrom,
        ...(remembered === undefined ? {} : { remembered }),
      },
      look: { locale, languageUrls: languageUrls(ctx.originalUrl, locale) },
    });
  };

const matches = (query: string, ...names: readonly string[]): boolean => {
  const wanted = query.trim().toLowerCase();
  return names.some((name) => name.toLowerCase().includes(wanted));
};

/** koa refuses a secure cookie when a proxy did the TLS, so the header is written here. */
const remember = (ctx: Context, id: string | undefined, isSecure: boolean): void => {
  const maxAge = id === undefined ? 0 : yearMs / 1000;
  ctx.append('Set-Cookie', [
    `tenant=${id ?? ''}; Path=/; Max-Age=${maxAge}; SameSite=Lax; HttpOnly${isSecure ? '; Secure' : ''}`,
  ]);
};
