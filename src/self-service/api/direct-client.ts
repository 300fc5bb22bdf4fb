import type { Context } from 'koa';
import { z } from 'zod';
import type { ClientDefinition, TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { AppError } from '../../errors.ts';
import { findClient, isDirectLogin, isSecretOf } from '../../oidc/provider/clients.ts';
import { OperationRefusal } from '../../web/api/described-operation.ts';
import { nothingHere } from '../../web/problem.ts';
import { shareWith } from '../cross-origin.ts';

export const text = z.string().min(1).max(1000);

/** In each request of an app whose users are not signed in. */
export const clientSchema = {
  client_id: text,
  client_secret: text.optional().meta({ description: 'Of a confidential client.' }),
};

export const refusalsOfClients = {
  401: 'The `client_secret` is missing, or is not right.',
  403: 'The client may not do this.',
  429: 'Too many attempts; try again after Retry-After seconds.',
};

export interface NamedClient {
  readonly client_id: string;
  readonly client_secret?: string | undefined;
}

/**
 * The client with a sign-in page of its own that sends the request. A public one only names itself; a page may send it
 * from the origins of the client.
 * @throws AppError, OperationRefusal
 */
export const getDirectClient = (
  ctx: Context,
  definition: TenantDefinition,
  { client_id: id, client_secret: secret }: NamedClient,
): ClientDefinition => {
  if (!definition.clients.some(isDirectLogin)) throw nothingHere();
  const client = findClient(definition, id);
  if (client === undefined || !isDirectLogin(client)) throw refusal(403, unauthorized);
  shareWith(ctx, client.allowedOrigins);
  const origin = ctx.get('Origin');
  if (origin !== '' && !client.allowedOrigins.includes(origin))
    throw new AppError('invalid_request', 'The origin is not in allowedOrigins of the client');
  if (!isAuthenticated(client, secret)) throw refusal(401, wrongSecret);
  return client;
};

/** The same, for a token that whoever has it may use. @throws AppError, OperationRefusal */
export const getBearerClient = (
  ctx: Context,
  definition: TenantDefinition,
  named: NamedClient,
): ClientDefinition => {
  const client = getDirectClient(ctx, definition, named);
  if (needsProofOf(client)) throw refusal(403, needsProof);
  return client;
};

const isAuthenticated = (client: ClientDefinition, presented: string | undefined): boolean => {
  switch (client.metadata.token_endpoint_auth_method) {
    case 'none':
      return presented === undefined;
    case 'private_key_jwt':
    case 'tls_client_auth':
    case 'self_signed_tls_client_auth':
      throw refusal(403, needsEndpoint);
    default:
      return presented !== undefined && isSecretOf(client, presented);
  }
};

/** This API gives tokens without a proof of possession (RFC 9449, RFC 8705). */
const needsProofOf = ({ metadata }: ClientDefinition): boolean =>
  metadata.dpop_bound_access_tokens === true || metadata.tls_client_certificate_bound_access_tokens === true;

const refusal = (status: number, words: { readonly code: string; readonly description: string }) =>
  new OperationRefusal(status, words);

const unauthorized = {
  code: 'unauthorized_client',
  description: 'There is no client of this client_id with directLogin: true',
};
const wrongSecret = { code: 'invalid_client', description: 'The client_secret is missing, or is not right' };
const needsEndpoint = {
  code: 'unauthorized_client',
  description: 'A client with private_key_jwt or a certificate uses the authorization challenge endpoint',
};
const needsProof = {
  code: 'unauthorized_client',
  description: 'A client with bound access tokens uses the authorization challenge endpoint',
};
