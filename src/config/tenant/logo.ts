import { dirname, extname, join } from 'node:path';
import { parseUrl } from '../parsing/field-types.ts';
import { codeOf, type SecretSources } from '../parsing/secrets.ts';

const mostBytes = 64 * 1024;
const mediaTypes: Readonly<Record<string, string>> = {
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
};

/**
 * An https URL as it is; a file as a `data:` URI, so that a page needs no further request.
 * @param tenantPath the tenant's file; the path of the picture is relative to its folder
 */
export const loadLogo = (
  logo: string,
  tenantPath: string,
  readFile: SecretSources['readFile'],
): { readonly ok: true; readonly value: string } | { readonly ok: false; readonly message: string } => {
  if (/^https:/i.test(logo) && parseUrl(logo) !== undefined) return { ok: true, value: logo };
  const mediaType = mediaTypes[extname(logo).toLowerCase()];
  if (!isFileName(logo) || mediaType === undefined)
    return {
      ok: false,
      message: 'is no logo; write a file beside this one (svg, png, jpg, webp) or an https URL',
    };
  let bytes: Buffer;
  try {
    bytes = readFile(join(dirname(tenantPath), logo));
  } catch (error) {
    return { ok: false, message: `cannot be read (${codeOf(error)}); put the file beside this one` };
  }
  if (bytes.length > mostBytes)
    return { ok: false, message: 'is larger than 64 KiB; make it smaller, or write an https URL' };
  return { ok: true, value: `data:${mediaType};base64,${bytes.toString('base64')}` };
};

/** Files that a text may name as a logo, for its fingerprint; found by pattern, so some of them may be no logos. */
export const logoFilesIn = (text: string, tenantPath: string): readonly string[] =>
  [...text.matchAll(/\blogo:[ \t]*["']?([\w./-]{1,200})/g)]
    .map(([, logo = '']) => logo)
    .filter((logo) => isFileName(logo) && mediaTypes[extname(logo).toLowerCase()] !== undefined)
    .map((logo) => join(dirname(tenantPath), logo));

const isFileName = (logo: string): boolean =>
  /^[\w-][\w./-]*$/.test(logo) && !logo.split('/').some((step) => step === '' || step.startsWith('.'));
