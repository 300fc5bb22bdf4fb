import { z } from 'zod';
import { asciiDomain } from '../../protocol/email-address.ts';
import { isLoopbackHost } from '../../protocol/loopback.ts';
import { parseUrl, plainText } from '../parsing/field-types.ts';
import { isPointer, pointerWords, readPattern } from '../parsing/patterns.ts';
import { isAttributeName, readFilter, splitDn } from './ldap-syntax.ts';

// The kinds of value that only sources of people have.

/** https, or http on a loopback address: requests to it contain secrets. */
export const webAddress = () =>
  z
    .string()
    .max(2000)
    .superRefine((value, context) => {
      const message = checkWebAddress(value);
      if (message !== undefined) context.addIssue({ code: 'custom', message });
    });

const checkWebAddress = (value: string): string | undefined => {
  const url = parseUrl(value);
  if (url === undefined || !/^https?:\/\/[^/?#]/i.test(value) || /\s/.test(value))
    return 'is not a web address; write it in full, such as https://id.example.com/oauth2/token';
  if (url.username !== '' || url.password !== '')
    return 'has a user name before the host; remove it and the @';
  if (value.includes('#')) return 'has a fragment; remove the # and what follows';
  if (url.protocol === 'http:' && !isLoopbackHost(url.hostname))
    return 'is http and not a loopback address; write https://…';
  return undefined;
};

export const emailDomain = () =>
  z.string().superRefine((value, context) => {
    const bare = asciiDomain(value.trim().replace(/^@/, '').toLowerCase().normalize('NFC'));
    if (value === bare && isDomain(bare)) return;
    const message = isDomain(bare)
      ? `is not in its plain spelling; write ${bare}`
      : 'is not the domain of e-mail addresses; write what stands behind the @, such as example.com';
    context.addIssue({ code: 'custom', message });
  });

const isDomain = (name: string): boolean =>
  name.length <= 253 &&
  /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$/.test(name);

export const pointer = () => z.string().max(500).refine(isPointer, { error: pointerWords });

export const pattern = () =>
  z.string().superRefine((value, context) => {
    const read = readPattern(value);
    if (!read.ok) context.addIssue({ code: 'custom', message: read.message });
  });

export const distinguishedName = () =>
  z
    .string()
    .max(2000)
    .refine((value) => splitDn(value) !== undefined, {
      error:
        'is not a distinguished name; write attribute=value parts with commas between, such as ou=people,dc=example,dc=org',
    });

export const ldapFilter = () =>
  z
    .string()
    .max(4000)
    .transform((value, context) => {
      const read = readFilter(value);
      if (read.ok) return read.filter;
      context.issues.push({ code: 'custom', message: read.message, input: value });
      return z.NEVER;
    });

export const attributeName = () =>
  z.string().refine(isAttributeName, {
    error: 'is not the name of an attribute; write letters, digits and hyphens, such as employeeNumber',
  });

/** A secret, which only the file of a demo tenant may contain itself; other files have a reference to it. */
export const secretText = (description: string) =>
  z
    .string()
    .min(1, { error: 'is empty; write a reference, env:NAME or file:/path' })
    .meta({
      description: `${description} A reference, env:NAME or file:/path; written out only in demo tenants.`,
      examples: ['env:DIRECTORY_SECRET', 'file:/run/secrets/directory'],
    });

export const tlsSchema = z.strictObject({
  ca: z
    .string()
    .optional()
    .meta({
      description:
        "CA certificates for the server's certificate: PEM as file:/path, env:NAME or as text, or system for those of the operating system. Default: the list in Node.js, and those in the file that the variable NODE_EXTRA_CA_CERTS names.",
      examples: ['file:/etc/drawbridge/directory-ca.pem', 'system'],
    }),
  cert: z
    .string()
    .optional()
    .meta({ description: 'Client certificate: PEM as file:/path, env:NAME or as text.' }),
  key: z
    .string()
    .optional()
    .meta({ description: 'Private key of the client certificate: PEM as file:/path or env:NAME.' }),
  serverName: z
    .string()
    .max(253)
    .refine((value) => /^[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?$/.test(value), {
      error: 'is not a host name; write the name that is in the certificate, without scheme and port',
    })
    .optional()
    .meta({ description: "Name in the server's certificate, if it is not the host of the URL." }),
});

/** Names as a list, or as one text with spaces between, as OAuth has scopes. */
export const names = () =>
  z
    .union([z.string(), z.array(z.string())], { error: 'is not a list of names; write [one, other]' })
    .transform((value) => (typeof value === 'string' ? value.split(/\s+/).filter(Boolean) : value));

export const texts = (longest: number) => z.record(plainText(100), plainText(longest));
