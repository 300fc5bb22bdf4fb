// Which app or service a sign-in was begun for, kept in the browser: when the sign-in is over, the store no longer
// knows, and the page of an ended sign-in says where to start again.
import type { Context } from 'koa';
import type { ClientDefinition } from '../config/tenant/tenant-definition.ts';
import { accountClientId, clientNameOf, findClient } from '../oidc/provider/clients.ts';
import type { BegunSignIn, ProviderRequest } from '../oidc/provider/provider-request.ts';
import type { StartAgain } from '../web/pages.ts';
import { readBegunCookie, setBegunCookie } from './cookies.ts';
import type { LoginTenant } from './login-tenant.ts';

/** The services behind the gateway, as far as their sign-ins are concerned. */
export interface BegunAtServices {
  /** The service for which a sign-in goes on to this URL, which is unchecked. */
  readonly serviceOf: (target: string) => string | undefined;
  /** The address of the service with this name; undefined when there is none. */
  readonly addressOf: (service: string) => string | undefined;
}

/** The tabs of one person; more would make the cookie long. */
const keptAtMost = 5;

/** `<uid>.c.<client_id>` or `<uid>.s.<service>`, each part encoded; the newest is the last. */
const entriesOf = (ctx: Context, { provider }: LoginTenant): readonly string[] =>
  (readBegunCookie(ctx, provider.issuer) ?? '').split('~').filter((entry) => entryForm.test(entry));

const entryForm = /^([A-Za-z0-9_-]{10,64})\.([cs])\.([\w.!'()*%-]{1,400})$/;

/** The facts of a request to the provider that are about begun sign-ins. */
export const begunSignIns = (
  services: BegunAtServices,
  place: { readonly ctx: Context; readonly tenant: LoginTenant },
): Required<Pick<ProviderRequest, 'noteBegun' | 'startAgain'>> => ({
  noteBegun: (begun) => rememberBegun(services, place, begun),
  startAgain: (uid) => startAgainOf(services, { ...place, uid }),
});

const rememberBegun = (
  services: BegunAtServices,
  { ctx, tenant }: { readonly ctx: Context; readonly tenant: LoginTenant },
  { uid, clientId, target }: BegunSignIn,
): void => {
  const service = target === undefined ? undefined : services.serviceOf(target);
  const isOwn = clientId === accountClientId;
  if (isOwn && service === undefined) return;
  const entry = isOwn
    ? `${uid}.s.${encodeURIComponent(service ?? '')}`
    : `${uid}.c.${encodeURIComponent(clientId)}`;
  const known = entriesOf(ctx, tenant);
  if (known.includes(entry) || !entryForm.test(entry)) return;
  setBegunCookie(ctx, tenant.provider.issuer, [...known, entry].slice(-keptAtMost).join('~'));
};

/**
 * Where the sign-in starts again. The cookie only names apps and services: each address is a registered one.
 * @param uid of the interaction; undefined: the last that this browser began
 */
export const startAgainOf = (
  services: BegunAtServices,
  {
    ctx,
    tenant,
    uid,
  }: { readonly ctx: Context; readonly tenant: LoginTenant; readonly uid: string | undefined },
): StartAgain | undefined => {
  const entries = entriesOf(ctx, tenant);
  const found = uid === undefined ? entries.at(-1) : entries.find((entry) => entry.startsWith(`${uid}.`));
  const [, , kind, name = ''] = entryForm.exec(found ?? '') ?? [];
  if (kind === 'c') return startAgainAt(tenant, decoded(name));
  const service = decoded(name);
  const url = kind === 's' ? services.addressOf(service) : undefined;
  return url === undefined ? undefined : { name: service, url };
};

/** Was this interaction begun in this browser, for an app or a service? It may be over. */
export const isBegunHere = (
  { ctx, tenant }: { readonly ctx: Context; readonly tenant: LoginTenant },
  uid: string,
): boolean => entriesOf(ctx, tenant).some((entry) => entry.startsWith(`${uid}.`));

/** Undefined for a client that registered no address at which people can start. */
export const startAgainAt = (tenant: LoginTenant, clientId: string): StartAgain | undefined => {
  const client = findClient(tenant.definition, clientId);
  const url = client === undefined ? undefined : startOf(client, tenant.provider.issuer);
  return url === undefined ? undefined : { name: clientNameOf(tenant.definition, clientId), url };
};

/** OpenID Connect Core section 4: the app begins the sign-in at its `initiate_login_uri`, which needs the issuer. */
const startOf = ({ metadata }: ClientDefinition, issuer: string): string | undefined => {
  const { initiate_login_uri: initiate, client_uri: home } = metadata;
  if (typeof initiate === 'string' && URL.canParse(initiate)) {
    const url = new URL(initiate);
    url.searchParams.set('iss', issuer);
    return url.href;
  }
  return typeof home === 'string' ? home : undefined;
};

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
};
