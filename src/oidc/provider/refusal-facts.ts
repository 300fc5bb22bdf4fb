// What the operator or developer needs to know of a refusal: who asked, which address came, which ones are registered.
import type { KoaContextWithOIDC } from 'oidc-provider';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import { printable } from '../../protocol/printable.ts';
import { findClient } from './clients.ts';

export interface RefusalFacts {
  /** As it came: a client of the tenant, or not. */
  readonly clientId?: string;
  /** False: no client of the tenant has this client_id. */
  readonly isClientKnown?: boolean;
  /** Ids of the tenant's clients, if the one that came is not among them; at most `mostShown`. */
  readonly knownClients?: readonly string[];
  /** The address that was refused. */
  readonly address?: RefusedAddress;
}

export interface RefusedAddress {
  readonly parameter: AddressParameter;
  readonly came: string;
  /** At most `mostShown`. */
  readonly registered: readonly string[];
  /** Where it differs from one of them in a single part. */
  readonly difference?: string;
}

type AddressParameter = 'redirect_uri' | 'post_logout_redirect_uri';

/** The error as the library has it. */
export interface RefusedWith {
  readonly error: string;
  readonly description?: string | undefined;
  readonly detail?: string | undefined;
}

const mostShown = 20;

/** All text is printable and bounded. Of the parameters only the client's id and the refused address are read. */
export const refusalFacts = (
  definition: TenantDefinition,
  ctx: KoaContextWithOIDC,
  refused: RefusedWith,
): RefusalFacts => {
  const id = ctx.oidc?.client?.clientId ?? textOf(ctx, 'client_id');
  if (id === undefined) return {};
  const client = findClient(definition, id);
  const isClientKnown = ctx.oidc?.client !== undefined || client !== undefined;
  const parameter = isClientKnown ? addressIn(refused) : 'redirect_uri';
  const came = parameter === undefined ? undefined : textOf(ctx, parameter);
  const facts = { clientId: printable(id), isClientKnown };
  const address =
    parameter === undefined || came === undefined
      ? undefined
      : addressFacts(parameter, came, client?.metadata[`${parameter}s`] ?? []);
  if (isClientKnown) return { ...facts, ...definedOnly({ address }) };
  const knownClients = definition.clients.slice(0, mostShown).map(({ metadata }) => metadata.client_id);
  return { ...facts, knownClients, ...definedOnly({ address }) };
};

const addressFacts = (
  parameter: AddressParameter,
  came: string,
  registered: readonly string[],
): RefusedAddress => ({
  parameter,
  came: printable(came),
  registered: registered.slice(0, mostShown).map(printable),
  ...definedOnly({ difference: differenceOf(came, registered) }),
});

/** Which address an error is about. */
const addressIn = ({ error, description = '', detail = '' }: RefusedWith): AddressParameter | undefined => {
  const [found] = /(?:post_logout_)?redirect_uri/.exec(`${error} ${description} ${detail}`) ?? [];
  return found as AddressParameter | undefined; // the expression matches these two
};

/** A parameter that was given once. */
const textOf = (ctx: KoaContextWithOIDC, name: string): string | undefined => {
  const { params, body } = ctx.oidc ?? {};
  for (const given of [params, body, ctx.query]) {
    const value = given?.[name];
    if (typeof value === 'string' && value !== '') return value;
  }
  return undefined;
};

const parts = {
  protocol: 'scheme',
  hostname: 'host',
  port: 'port',
  pathname: 'path',
  search: 'query',
  hash: 'fragment',
} as const;

const differenceOf = (came: string, registered: readonly string[]): string | undefined => {
  if (!URL.canParse(came)) return undefined;
  const url = new URL(came);
  for (const other of registered.filter((one) => URL.canParse(one))) {
    const wanted = new URL(other);
    const different = (Object.keys(parts) as (keyof typeof parts)[]).filter(
      (part) => url[part] !== wanted[part],
    );
    const [part, ...more] = different;
    if (part === undefined) return `is written differently than ${printable(other)}`;
    if (more.length === 0) return `differs from ${printable(other)} in the ${parts[part]} only`;
  }
  return undefined;
};

/** What makes the request acceptable, for the person who writes the tenant's file. */
export const remedyOf = ({
  clientId,
  isClientKnown,
  knownClients = [],
  address,
}: RefusalFacts): string | undefined => {
  if (isClientKnown === false)
    return `add a client ${clientId} to clients in the tenant's file, or let the app send one of those: ${knownClients.join(', ') || 'none'}`;
  if (address !== undefined)
    return `add the address to ${address.parameter}s of the client ${clientId} in the tenant's file, or let the app send a registered one; they are compared character by character`;
  return undefined;
};

/** The lines of the tenant's file that make the request acceptable; undefined where no lines can. */
export const linesForFile = ({ clientId, isClientKnown, address }: RefusalFacts): string | undefined => {
  if (clientId === undefined || address === undefined) return undefined;
  const { parameter, registered, came } = address;
  return [
    'clients:',
    `  - client_id: ${yamlText(clientId)}`,
    ...(isClientKnown === false ? ['    token_endpoint_auth_method: none'] : []),
    `    ${parameter}s:`,
    ...[...registered, came].map((uri) => `      - ${yamlText(uri)}`),
  ].join('\n');
};

/** A JSON string is YAML. */
const yamlText = (text: string): string => (/^[A-Za-z][\w.-]*$/.test(text) ? text : JSON.stringify(text));
