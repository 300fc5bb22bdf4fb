import { definedOnly } from '../../defined-only.ts';
import { readClientKey } from '../tenant/client-key.ts';
import type { NamePattern, OwnOf, UpstreamSource } from './source-definition.ts';
import { loadSecret, loadTls, type SourceContext } from './source-secrets.ts';
import type { UpstreamSourceFile } from './upstream-source-schema.ts';

/** The members of a source that only an upstream has. */
export const loadUpstream = (file: UpstreamSourceFile, context: SourceContext): OwnOf<UpstreamSource> => {
  const { userNameExtractionPattern, details } = file;
  return {
    ...definedOnly({
      issuer: file.issuer,
      userAuthorizationUri: file.userAuthorizationUri,
      accessTokenUri: file.accessTokenUri,
      userInfoUri: file.userInfoUri,
      jwksUri: file.jwksUri,
      endSessionUri: file.endSessionUri,
      pushedAuthorizationRequestUri: file.pushedAuthorizationRequestUri,
      clientId: file.clientId,
      clientSecret:
        file.clientSecret === undefined
          ? undefined
          : loadSecret(file.clientSecret, ['clientSecret'], context),
      privateKey: loadClientKey(file, context),
      userNameExtractionPattern:
        userNameExtractionPattern === undefined ? undefined : toNamePattern(userNameExtractionPattern),
      subjectPointer: file.subjectPointer,
      tokenAudience: file.tokenAudience,
      tokensFor: file.tokensFor,
      details: details === undefined ? undefined : definedOnly(details),
      emailVerifiedPointer: file.emailVerifiedPointer,
    }),
    type: file.type,
    discovery: isDiscovered(file),
    clientAuthMethod: clientAuthMethodOf(file),
    tls: loadTls(file.tls, context),
    scopes: file.scopes ?? (file.type === 'oidc' ? ['openid', 'profile', 'email'] : []),
    authorizationParameters: file.authorizationParameters,
    pkce: file.pkce,
    usePar: file.usePar,
    passwordSignIn: file.passwordSignIn ?? false,
    ...(relaysBasic(file) ? { relaysBasic: true } : {}),
    acceptUpstreamTokens: file.acceptUpstreamTokens,
    tokenCacheSeconds: file.tokenCache,
    extraInfo: file.extraInfo,
    acr: file.acr,
    requestTimeoutMs: file.timeout,
  };
};

/** Basic authentication at services needs no other configuration than the six properties. */
const relaysBasic = (file: UpstreamSourceFile): boolean =>
  file.type === 'oauth2' &&
  file.passwordSignIn === undefined &&
  [
    file.clientId,
    file.clientSecret,
    file.userAuthorizationUri,
    file.accessTokenUri,
    file.userInfoUri,
    file.userNameExtractionPattern,
  ].every((property) => property !== undefined);

export const isDiscovered = ({ type, discovery }: UpstreamSourceFile): boolean =>
  discovery ?? type === 'oidc';

/** A source without a client of its own has no client authentication. */
export const clientAuthMethodOf = ({
  clientAuthMethod,
  privateKey,
  clientId,
}: UpstreamSourceFile): UpstreamSource['clientAuthMethod'] => {
  if (clientAuthMethod !== undefined) return clientAuthMethod;
  if (privateKey !== undefined) return 'private_key_jwt';
  return clientId === undefined ? 'none' : 'client_secret_basic';
};

const toNamePattern = (pattern: string): NamePattern =>
  pattern.startsWith('/') ? { kind: 'pointer', pointer: pattern } : { kind: 'regex', pattern };

const loadClientKey = (
  { privateKey }: UpstreamSourceFile,
  context: SourceContext,
): UpstreamSource['privateKey'] => {
  if (privateKey === undefined) return undefined;
  const read = readClientKey(privateKey, context);
  if (read.ok) return read.value;
  context.faults.push({ ...read.fault, path: ['privateKey', ...read.fault.path] });
  return undefined;
};
