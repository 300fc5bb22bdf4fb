import { z } from 'zod';
import { isScopeName } from '../../protocol/scopes.ts';
import { publicKeySignatures } from '../../protocol/signature-algorithms.ts';
import { durationMs, plainText } from '../parsing/field-types.ts';
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

const passwordSignInWords = 'Sends passwords on to accessTokenUri (RFC 6749 section 4.3).';
const acceptUpstreamTokensWords = "Accepts the upstream's own access tokens as proof of who somebody is.";

/** The six properties of an upstream at the top of a tenant's file, and the keys that belong to them. */
const sixProperties = {
  clientId: plainText(500).optional().meta({ description: 'The id that the upstream knows Drawbridge by.' }),
  clientSecret: secretText('The secret that goes with it.').optional(),
  userAuthorizationUri: webAddress()
    .optional()
    .meta({ description: 'Where the browser is sent to sign in.' }),
  accessTokenUri: webAddress().optional().meta({ description: 'Where codes are redeemed for tokens.' }),
  userInfoUri: webAddress().optional().meta({ description: 'Where the upstream says who a token is about.' }),
  userNameExtractionPattern: namePattern.optional().meta({
    description:
      'Where the name is in the user-info answer: a JSON pointer that begins with /, or a regular expression whose first group is the name.',
    examples: ['/preferred_username', '"preferred_username":"([^"]+)"'],
  }),
  endSessionUri: webAddress().optional().meta({ description: 'Where the browser is sent to sign out.' }),
  subjectPointer: pointer()
    .optional()
    .meta({
      description:
        'JSON pointer to what never changes about a person in the user-info answer. Without: sub, or the extracted name.',
      examples: ['/id'],
    }),
  passwordSignIn: z.boolean().default(false).meta({ description: passwordSignInWords }),
  acceptUpstreamTokens: z.boolean().default(false).meta({ description: acceptUpstreamTokensWords }),
  scopes: names()
    .refine((scopes) => scopes.every(isScopeName), {
      error: 'holds something that is not a scope; write names such as openid or email',
    })
    .optional()
    .meta({ description: 'Scopes asked for. With oidc by default openid, profile and email.' }),
};

/** Keys at the top of the source. They have no defaults, so that a check can see whether any of them is present. */
export const topProperties = {
  ...sixProperties,
  passwordSignIn: z.boolean().optional().meta({ description: passwordSignInWords }),
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
        'Name of an OpenID provider, to the letter as its discovery document has it. {tenantid} stands for any Entra tenant.',
      examples: ['https://id.example.com'],
    }),
  discovery: z.boolean().optional().meta({
    description: 'False when the endpoints named here are all there is. By default true with oidc.',
  }),
  jwksUri: webAddress().optional().meta({ description: 'Where its public keys are.' }),
  pushedAuthorizationRequestUri: webAddress()
    .optional()
    .meta({ description: 'Where authorization requests are pushed (RFC 9126).' }),
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
        'How Drawbridge proves itself. By default private_key_jwt when there is a privateKey, else client_secret_basic.',
    }),
  privateKey: z
    .strictObject({
      pem: z.string().meta({ description: 'The key, as file:/path or env:NAME.' }),
      alg: z.enum(publicKeySignatures).optional().meta({
        description: 'Its algorithm. By default as fits the key: RS256, ES256, ES384, ES512 or EdDSA.',
      }),
      kid: plainText(200).optional().meta({ description: 'Its id, when the upstream knows several.' }),
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
  pkce: z.boolean().default(true).meta({ description: 'Proof key for code exchange (RFC 7636).' }),
  tokenAudience: plainText(500).optional().meta({
    description: 'Audience that an accepted access token must name, when it is a JWT. By default clientId.',
  }),
  tokensFor: z.array(z.string()).min(1).optional().meta({
    description:
      "client_ids that may get the upstream's tokens by token exchange (RFC 8693). Without: the tokens are not kept.",
  }),
  details: z
    .strictObject({
      uri: detailsUri.meta({
        description: 'JSON about a person; {subject} and {username} are filled in.',
        examples: ['https://id.example.com/users/{subject}'],
      }),
      scope: plainText(500).optional().meta({ description: 'Scope of the token of our own.' }),
    })
    .optional()
    .meta({ description: "Further data about a person, read with a token of Drawbridge's own." }),
  extraInfo: z
    .record(plainText(100), webAddress())
    .default({})
    .meta({ description: "Further JSON read with the person's token at sign-in: name to address." }),
  acr: texts(500).default({}).meta({ description: "The upstream's acr values, each with ours." }),
  emailVerifiedPointer: pointer().optional().meta({
    description:
      'JSON pointer to what says that the e-mail is verified, for an upstream that does not send email_verified.',
  }),
  timeout: durationMs({ min: 100, max: 60_000 })
    .prefault('10s')
    .meta({ description: 'How long one request may take.' }),
};

export const oidcSourceSchema = z.strictObject({
  type: z.literal('oidc').meta({ description: 'An OpenID Connect provider.' }),
  id: sourceId,
  ...upstreamShape,
});

export const oauth2SourceSchema = z.strictObject({
  type: z.literal('oauth2').meta({ description: 'An OAuth 2.0 server with a user-info resource.' }),
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
    description:
      'A provider whose addresses and habits Drawbridge knows: clientId and clientSecret are enough.',
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
    .meta({ description: 'microsoft-entra: the one directory whose people may sign in. Without: any.' }),
  baseUrl: webAddress()
    .optional()
    .meta({ description: 'keycloak and gitlab: where it is, such as https://id.example.com.' }),
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
