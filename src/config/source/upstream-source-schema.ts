import { z } from 'zod';
import { isScopeName } from '../../protocol/scopes.ts';
import { publicKeySignatures } from '../../protocol/signature-algorithms.ts';
import { durationMs, durationSeconds, plainText } from '../parsing/field-types.ts';
import { isPointer, pointerWords, readPattern } from '../parsing/patterns.ts';
import { names, pointer, secretText, texts, tlsSchema, webAddress } from './source-field-types.ts';
import { remoteShape, sourceId, trustRoles } from './source-shape.ts';

/** Parameters of an authorization request that Drawbridge sets itself. */
const ownParameters: ReadonlySet<string> = new Set(
  'client_id client_secret code_challenge code_challenge_method nonce redirect_uri request request_uri response_mode response_type scope state'.split(
    ' ',
  ),
);

const namePattern = z.string().superRefine((value, context) => {
  const message = checkNamePattern(value);
  if (message !== undefined) context.addIssue({ code: 'custom', message });
});

const checkNamePattern = (value: string): string | undefined => {
  if (value.startsWith('/')) return isPointer(value) ? undefined : pointerWords;
  const read = readPattern(value);
  if (!read.ok) return read.message;
  return read.groups > 0
    ? undefined
    : 'has no group; put brackets round the part that is the name, as in "preferred_username":"([^"]+)", or write a JSON pointer such as /preferred_username';
};

/** `{subject}` and `{username}` are allowed behind the host only, because their values come from outside. */
const detailsUri = webAddress().refine((value) => !/^https?:\/\/[^/?]*\{/i.test(value), {
  error: 'has {…} in its host; write it behind the first /',
});

const passwordSignInWords =
  'true: passwords are sent to accessTokenUri (password grant, RFC 6749 section 4.3). Default: false. A source of type oauth2 with its six properties still gets the passwords of Basic authentication at services; false: not these either.';
const acceptUpstreamTokensWords = 'true: access tokens of the upstream are accepted to authenticate users.';

/** The six properties of an upstream at the top of a tenant's file, and the keys that belong to them. */
const sixProperties = {
  clientId: plainText(500).optional().meta({ description: 'client_id of Drawbridge at the upstream.' }),
  clientSecret: secretText('Client secret of Drawbridge at the upstream.').optional(),
  userAuthorizationUri: webAddress()
    .optional()
    .meta({ description: 'Authorization endpoint of the upstream.' }),
  accessTokenUri: webAddress().optional().meta({ description: 'Token endpoint of the upstream.' }),
  userInfoUri: webAddress().optional().meta({ description: 'Userinfo endpoint of the upstream.' }),
  userNameExtractionPattern: namePattern.optional().meta({
    description:
      'Where the user name is in the userinfo response: a JSON pointer that begins with /, or a regular expression whose first group is the user name.',
    examples: ['/preferred_username', '"preferred_username":"([^"]+)"'],
  }),
  endSessionUri: webAddress().optional().meta({ description: 'End session endpoint of the upstream.' }),
  subjectPointer: pointer()
    .optional()
    .meta({
      description:
        'JSON pointer to the subject in the userinfo response, a value that never changes for a user. Default: sub, or the extracted user name.',
      examples: ['/id'],
    }),
  passwordSignIn: z.boolean().optional().meta({ description: passwordSignInWords }),
  acceptUpstreamTokens: z.boolean().default(false).meta({ description: acceptUpstreamTokensWords }),
  scopes: names()
    .refine((scopes) => scopes.every(isScopeName), {
      error: 'holds something that is not a scope; write names such as openid or email',
    })
    .optional()
    .meta({ description: 'Scopes that are requested. Default with oidc: openid, profile and email.' }),
};

/** Keys at the top of the source. They have no defaults, so that a check can see whether any of them is present. */
export const topProperties = {
  ...sixProperties,
  acceptUpstreamTokens: z.boolean().optional().meta({ description: acceptUpstreamTokensWords }),
};

const upstreamShape = {
  ...remoteShape,
  trustRoles,
  ...sixProperties,
  issuer: webAddress()
    .refine((value) => !value.includes('?'), {
      error: 'has a query; an issuer has none (remove the ? and what follows)',
    })
    .optional()
    .meta({
      description:
        'Issuer of the OpenID provider, exactly as in its discovery document. {tenantid} stands for any Entra tenant.',
      examples: ['https://id.example.com'],
    }),
  discovery: z.boolean().optional().meta({
    description: 'false: only the endpoints in this file are used. Default with oidc: true.',
  }),
  jwksUri: webAddress().optional().meta({ description: 'URL of the public keys of the upstream (JWKS).' }),
  pushedAuthorizationRequestUri: webAddress()
    .optional()
    .meta({ description: 'Pushed authorization request endpoint of the upstream (RFC 9126).' }),
  usePar: z.enum(['auto', 'always', 'never']).default('auto').meta({
    description:
      'auto: authorization requests are pushed if the upstream announces it. If its endpoint then gives another answer than RFC 9126 defines, the request is not pushed.',
  }),
  clientAuthMethod: z
    .enum([
      'client_secret_basic',
      'client_secret_post',
      'client_secret_jwt',
      'private_key_jwt',
      'tls_client_auth',
      'self_signed_tls_client_auth',
      'none',
    ])
    .optional()
    .meta({
      description:
        'Client authentication at the upstream. Default: private_key_jwt with a privateKey, otherwise client_secret_basic.',
    }),
  privateKey: z
    .strictObject({
      pem: z.string().meta({ description: 'Private key: PEM as file:/path or env:NAME.' }),
      alg: z.enum(publicKeySignatures).optional().meta({
        description:
          'Signature algorithm. Default: RS256, ES256, ES384, ES512 or EdDSA, depending on the key.',
      }),
      kid: plainText(200)
        .optional()
        .meta({ description: 'Key id, if the upstream has several keys of Drawbridge.' }),
    })
    .optional()
    .meta({ description: 'For private_key_jwt.' }),
  tls: tlsSchema.prefault({}).meta({ description: 'Certificates.' }),
  authorizationParameters: texts(1000)
    .refine((parameters) => Object.keys(parameters).every((name) => !ownParameters.has(name)), {
      error: 'sets a parameter that Drawbridge makes itself; leave it out (scopes has a key of its own)',
    })
    .default({})
    .meta({ description: 'Further parameters of the authorization request, such as hd or domain_hint.' }),
  pkce: z
    .boolean()
    .default(true)
    .meta({ description: 'PKCE (RFC 7636) in authorization requests to the upstream.' }),
  tokenAudience: plainText(500).optional().meta({
    description: 'Required audience of an accepted access token that is a JWT. Default: clientId.',
  }),
  tokenCache: durationSeconds({ min: 0, max: 3600 }).prefault('5s').meta({
    description:
      "How long the upstream's answer on an access token that only it can check is cached: for so long a token that was revoked there is still accepted. 0s: no cache.",
  }),
  tokensFor: z.array(z.string()).min(1).optional().meta({
    description:
      "client_ids that may get the upstream's access tokens by token exchange (RFC 8693). Default: the tokens are not stored.",
  }),
  details: z
    .strictObject({
      uri: detailsUri.meta({
        description: 'URL of JSON about a user; {subject} and {username} are replaced.',
        examples: ['https://id.example.com/users/{subject}'],
      }),
      scope: plainText(500)
        .optional()
        .meta({ description: "Scope of Drawbridge's access token for that URL." }),
    })
    .optional()
    .meta({
      description: 'Further data about a user, read with an access token of Drawbridge (client credentials).',
    }),
  extraInfo: z
    .record(plainText(100), webAddress())
    .default({})
    .meta({ description: "Further JSON, read at sign-in with the user's access token: name and URL." }),
  acr: texts(500).default({}).meta({
    description: 'acr values of the upstream, each with the value that clients of this tenant get.',
  }),
  emailVerifiedPointer: pointer().optional().meta({
    description:
      'JSON pointer to the value that says whether the e-mail address is verified, for an upstream without email_verified.',
  }),
  timeout: durationMs({ min: 100, max: 60_000 })
    .prefault('10s')
    .meta({ description: 'Time limit for one request.' }),
};

export const oidcSourceSchema = z.strictObject({
  type: z.literal('oidc').meta({ description: 'An OpenID Connect provider.' }),
  id: sourceId,
  ...upstreamShape,
});

export const oauth2SourceSchema = z.strictObject({
  type: z.literal('oauth2').meta({ description: 'An OAuth 2.0 server with a userinfo endpoint.' }),
  id: sourceId,
  ...upstreamShape,
});

const hostName = z
  .string()
  .max(253)
  .regex(/^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+$/, {
    error: 'is not a host; write the name alone, in lower case and without https://, such as acme.okta.com',
  });

export const presetSourceSchema = z.strictObject({
  preset: z.enum(['google', 'microsoft-entra', 'github', 'gitlab', 'keycloak', 'auth0', 'okta']).meta({
    description: 'A provider with known endpoints and settings: clientId and clientSecret are enough.',
  }),
  type: z.enum(['oidc', 'oauth2']).optional().meta({ description: 'Follows from the preset; leave it out.' }),
  id: sourceId.optional(),
  ...upstreamShape,
  tenantId: z
    .string()
    .regex(/^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/, {
      error:
        'is not the id of a directory; write the 36 characters of the directory (tenant) id, in lower case',
    })
    .optional()
    .meta({
      description: 'microsoft-entra: the directory whose users may sign in. Default: every directory.',
    }),
  baseUrl: webAddress()
    .optional()
    .meta({ description: 'keycloak and gitlab: URL of the server, such as https://id.example.com.' }),
  realm: z
    .string()
    .regex(/^[^\s/?#]{1,100}$/, {
      error: 'is not the name of a realm; write it as in the address of its console',
    })
    .optional()
    .meta({ description: 'keycloak: the realm.' }),
  domain: hostName.optional().meta({ description: 'auth0 and okta: the host, such as acme.okta.com.' }),
  authorizationServer: z
    .string()
    .regex(/^[A-Za-z0-9_-]{1,100}$/, {
      error: 'is not the id of an authorization server; write one such as default',
    })
    .optional()
    .meta({ description: 'okta: the id of a custom authorization server.' }),
});

export type PresetSourceFile = z.infer<typeof presetSourceSchema>;
export type UpstreamSourceFile = z.infer<typeof oidcSourceSchema> | z.infer<typeof oauth2SourceSchema>;
