import type { Context } from 'koa';
import { isForClient } from '../accounts/source-choice.ts';
import type { TenantDefinition } from '../config/tenant/tenant-definition.ts';
import { definedOnly } from '../defined-only.ts';
import { accountClientId } from '../oidc/provider/clients.ts';
import { languageUrls } from '../web/language-switch.ts';
import { localeOf } from '../web/locale.ts';
import type { Pages } from '../web/pages.ts';
import { sendPage } from '../web/send-page.ts';
import { readTenantCookie, setTenantCookie } from './cookies.ts';

export interface TenantSelectionParts {
  readonly pages: Pages;
  readonly isSecure: boolean;
  /** The person types the tenant; none is listed. */
  readonly isAsking: boolean;
}

export interface TenantChoice {
  /** The tenants that may be chosen. */
  readonly tenants: readonly TenantDefinition[];
  /** The next URL of the browser. */
  readonly urlOf: (definition: TenantDefinition) => string;
  /** Parameters that say what the choice is for, kept in the addresses of the page. */
  readonly state?: string;
}

/** With more tenants than this the page has a search field. */
const searchFrom = 10;
/** With more tenants than this the page lists only what was searched for, and no more of it. */
const listedAtMost = 20;

/**
 * A single tenant is chosen without a page; with several a page asks and remembers the choice (cookie `tenant`).
 * `?tenant=` removes the choice, `?tenant=<id>` makes it, `?q=` searches.
 */
export const createTenantSelection =
  (parts: TenantSelectionParts) =>
  (ctx: Context, { tenants: served, urlOf, state }: TenantChoice): void => {
    const { tenant: asked, q } = ctx.query;
    const query = typeof q === 'string' ? q.slice(0, 100).trim() : '';
    const only = served.length === 1 ? served[0] : undefined;
    const chosen = typeof asked === 'string' ? served.find(({ id }) => id === asked) : undefined;
    const remembered = readTenantCookie(ctx);
    const again =
      asked === undefined && q === undefined ? served.find(({ id }) => id === remembered) : undefined;
    const offered = served.filter(offersSignIn);
    const meant = parts.isAsking && query !== '' ? meantBy(query, offered) : [];
    const typed = meant.length === 1 ? meant[0] : undefined;
    if (only === undefined && (asked !== undefined || typed !== undefined))
      setTenantCookie(ctx, (chosen ?? typed)?.id, parts.isSecure);
    const decided = only ?? chosen ?? again ?? typed;
    if (decided !== undefined) {
      ctx.status = 303;
      ctx.redirect(urlOf(decided));
      return;
    }

    const listed = offered.filter((definition) => definition.listed);
    const hasMany = listed.length > listedAtMost;
    const found = parts.isAsking
      ? meant
      : query !== ''
        ? listed.filter((definition) => isFoundBy(query, definition))
        : hasMany
          ? listed.filter(({ id }) => id === remembered)
          : listed;
    const locale = localeOf(ctx, 'en');
    const kept = state === undefined ? '' : `state=${encodeURIComponent(state)}`;
    sendPage(ctx, parts.pages, {
      name: 'select-tenant',
      model: {
        tenants: found.slice(0, listedAtMost).map(({ id, displayName, branding }) => ({
          id,
          displayName,
          url: `${ctx.path}?${kept === '' ? '' : `${kept}&`}tenant=${encodeURIComponent(id)}`,
          color: branding.color,
        })),
        query,
        showSearch: parts.isAsking || listed.length > searchFrom,
        allUrl: kept === '' ? ctx.path : `${ctx.path}?${kept}`,
        ...(parts.isAsking ? { isAsking: true } : {}),
        ...(hasMany && !parts.isAsking ? { isSearchOnly: true } : {}),
        ...(found.length > listedAtMost ? { isCut: true } : {}),
        ...definedOnly({ state, remembered }),
      },
      look: { locale, languageUrls: languageUrls(ctx.originalUrl, locale) },
    });
  };

/** The tenants that a person can mean by an id, an e-mail address or a domain; nothing else is compared. */
const meantBy = (query: string, tenants: readonly TenantDefinition[]): readonly TenantDefinition[] => {
  const id = query.toLowerCase();
  const named = tenants.filter((definition) => definition.id === id);
  return named.length > 0 ? named : tenants.filter((definition) => hasDomain(query, definition));
};

const isFoundBy = (query: string, definition: TenantDefinition): boolean => {
  const wanted = query.toLowerCase();
  const { id, displayName } = definition;
  return (
    [id, displayName].some((name) => name.toLowerCase().includes(wanted)) || hasDomain(query, definition)
  );
};

/** Do people with this address, or this domain, sign in at a source of the tenant? */
const hasDomain = (query: string, { sources }: TenantDefinition): boolean => {
  const domain = query.slice(query.lastIndexOf('@') + 1).toLowerCase();
  return sources.some(({ domains }) => domains.includes(domain));
};

/** Can people sign in here without an app? A tenant that only verifies tokens, or is for its apps alone, has no page. */
const offersSignIn = ({ sources }: TenantDefinition): boolean =>
  sources.some(
    (source) =>
      isForClient(source, accountClientId) &&
      ((source.type !== 'oidc' && source.type !== 'oauth2') ||
        source.passwordSignIn ||
        (source.clientId !== undefined && (source.discovery || source.userAuthorizationUri !== undefined))),
  );
