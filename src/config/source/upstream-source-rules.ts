import type { PathFault } from '../parsing/fault.ts';
import { clientAuthMethodOf, isDiscovered } from './upstream-source-file.ts';
import type { UpstreamSourceFile } from './upstream-source-schema.ts';

/** The rules between the keys of an upstream. Paths begin at the source. */
export const checkUpstream = (source: UpstreamSourceFile): readonly PathFault[] => [
  ...(source.type === 'oidc' ? checkOidc(source) : checkOAuth2(source)),
  ...checkProof(source),
  ...checkExtras(source),
];

type Key = keyof UpstreamSourceFile;

const missing = (key: Key, why: string): PathFault => ({ path: [key], message: `is missing; ${why}` });
const useless = (key: Key, why: string): PathFault => ({
  path: [key],
  atKey: true,
  message: `is of no use ${why}; remove it`,
});

const checkOidc = (source: UpstreamSourceFile): readonly PathFault[] => {
  const faults: PathFault[] = [];
  if (source.issuer === undefined)
    faults.push(missing('issuer', 'write the name of the provider, such as https://id.example.com'));
  if (source.issuer?.includes('{') && source.issuer.split('{tenantid}').length !== 2)
    faults.push({
      path: ['issuer'],
      message: 'has {…} that mean nothing; write the issuer, or {tenantid} for Entra',
    });
  if (!isDiscovered(source))
    for (const key of ['userAuthorizationUri', 'accessTokenUri', 'jwksUri'] as const)
      if (source[key] === undefined)
        faults.push(missing(key, 'without discovery each endpoint has to be named'));
  if (source.scopes !== undefined && !source.scopes.includes('openid'))
    faults.push({ path: ['scopes'], message: 'lacks openid, without which there is no ID token; add it' });
  if (source.clientId === undefined && !(source.acceptUpstreamTokens && source.tokenAudience !== undefined))
    faults.push(missing('clientId', 'write the id that the provider knows Drawbridge by'));
  return faults;
};

const checkOAuth2 = (source: UpstreamSourceFile): readonly PathFault[] => {
  const faults: PathFault[] = [];
  const { userAuthorizationUri, accessTokenUri, userInfoUri, passwordSignIn, acceptUpstreamTokens } = source;
  const isDiscoverable = isDiscovered(source);
  if (isDiscoverable && source.issuer === undefined)
    faults.push(missing('issuer', 'discovery begins there; write it, or remove discovery'));
  const isNamed = (uri: string | undefined): boolean => uri !== undefined || isDiscoverable;
  const redirects = isNamed(userAuthorizationUri);
  if (!redirects && !passwordSignIn && !acceptUpstreamTokens)
    faults.push(
      missing(
        'userAuthorizationUri',
        'write where people sign in, or one of passwordSignIn: true and acceptUpstreamTokens: true',
      ),
    );
  const hasClient = redirects || passwordSignIn;
  if (hasClient && !isNamed(accessTokenUri))
    faults.push(missing('accessTokenUri', 'write where codes and passwords are exchanged for tokens'));
  if (hasClient && source.clientId === undefined)
    faults.push(missing('clientId', 'write the id that the upstream knows Drawbridge by'));
  if (!isNamed(userInfoUri))
    faults.push(missing('userInfoUri', 'write where the upstream says who a token is about'));
  if (source.userNameExtractionPattern === undefined && source.subjectPointer === undefined)
    faults.push(
      missing(
        'userNameExtractionPattern',
        'write where the name is in the user-info answer, such as /preferred_username',
      ),
    );
  return faults;
};

/** Checks how the source authenticates at the upstream. */
const checkProof = (source: UpstreamSourceFile): readonly PathFault[] => {
  const { clientId, clientSecret, privateKey, tls } = source;
  const method = clientAuthMethodOf(source);
  if (clientId === undefined)
    return [
      ...(clientSecret === undefined ? [] : [useless('clientSecret', 'without clientId')]),
      ...(privateKey === undefined ? [] : [useless('privateKey', 'without clientId')]),
    ];
  const faults: PathFault[] = [];
  const usesSecret = method.startsWith('client_secret_');
  if (usesSecret && clientSecret === undefined)
    faults.push(
      missing('clientSecret', 'write env:NAME or file:/path, or clientAuthMethod: none for a public client'),
    );
  if (!usesSecret && clientSecret !== undefined) faults.push(useless('clientSecret', `with ${method}`));
  if (method === 'private_key_jwt' && privateKey === undefined)
    faults.push(missing('privateKey', 'write { pem: file:/path }'));
  if (method !== 'private_key_jwt' && privateKey !== undefined)
    faults.push(useless('privateKey', `with ${method}`));
  if (method.endsWith('tls_client_auth') && tls.cert === undefined)
    faults.push({
      path: ['tls', 'cert'],
      message: `is missing; ${method} needs tls: { cert: file:/…, key: file:/… }`,
    });
  if (method === 'none' && !source.pkce)
    faults.push({ path: ['pkce'], message: 'is all that protects a public client; remove this line' });
  return faults;
};

const checkExtras = (source: UpstreamSourceFile): readonly PathFault[] => {
  const { acceptUpstreamTokens, clientId, details } = source;
  const faults: PathFault[] = [];
  if (source.tokenAudience !== undefined && !acceptUpstreamTokens)
    faults.push(useless('tokenAudience', 'without acceptUpstreamTokens: true'));
  if (source.adopt !== false && !source.passwordSignIn)
    faults.push(useless('adopt', 'without passwordSignIn: true, as no password is seen'));
  if (details !== undefined && (clientId === undefined || clientAuthMethodOf(source) === 'none'))
    faults.push({
      path: ['details'],
      atKey: true,
      message: 'needs a client with a secret or key of its own; add those, or remove it',
    });
  if (details !== undefined && !/\{(?:subject|username)\}/.test(details.uri))
    faults.push({
      path: ['details', 'uri'],
      message: 'does not name the person; write {subject} or {username} where the name belongs',
    });
  if (
    source.usePar === 'always' &&
    source.pushedAuthorizationRequestUri === undefined &&
    !isDiscovered(source)
  )
    faults.push(
      missing('pushedAuthorizationRequestUri', 'write where requests are pushed, as usePar is always'),
    );
  if (source.usePar === 'never' && source.pushedAuthorizationRequestUri !== undefined)
    faults.push(useless('pushedAuthorizationRequestUri', 'with usePar: never'));
  if (source.tokensFor !== undefined && clientId === undefined)
    faults.push(useless('tokensFor', 'without clientId, as there are no tokens of our own'));
  return faults;
};
