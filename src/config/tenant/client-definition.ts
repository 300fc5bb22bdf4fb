import { definedOnly } from '../../defined-only.ts';
import type { ClientFile } from './client-schema.ts';
import type { ClientDefinition, Locale, LocalText } from './tenant-definition.ts';

export const toClient = (
  client: ClientFile,
  { locale, secrets = [] }: { readonly locale: Locale; readonly secrets: readonly string[] | undefined },
): ClientDefinition => {
  const [secret, secondSecret] = secrets;
  const {
    firstParty,
    directLogin,
    emailCode,
    allowedOrigins,
    defaultResource,
    lifetimes,
    passwordGrant,
    ...metadata
  } = client;
  const {
    client_name: name,
    client_secret: _,
    response_types: types,
    idTokenClaims,
    idTokenGroups,
    assertionAudience,
    ...rest
  } = metadata;
  return {
    metadata: {
      ...definedOnly(rest),
      ...definedOnly({ client_name: textOf(name, locale), client_secret: secret }),
      response_types: types ?? (rest.grant_types.includes('authorization_code') ? ['code'] : []),
    },
    ...definedOnly({ name: name === undefined ? undefined : toLocalText(name), secondSecret }),
    firstParty,
    directLogin,
    emailCode,
    idTokenClaims,
    ...(idTokenGroups === 'all' ? {} : { idTokenGroups }),
    allowedOrigins,
    ...definedOnly({ defaultResource, assertionAudience }),
    lifetimes: definedOnly(lifetimes),
    passwordGrant: definedOnly(passwordGrant),
  };
};

const toLocalText = (text: LocalText): LocalText => (typeof text === 'string' ? text : definedOnly(text));

/** For what has one text only: interfaces for programs. */
const textOf = (text: LocalText | undefined, locale: Locale): string | undefined =>
  text === undefined || typeof text === 'string' ? text : (text[locale] ?? Object.values(text)[0]);
