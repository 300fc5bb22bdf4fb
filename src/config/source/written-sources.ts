import { definedOnly } from '../../defined-only.ts';
import type { FaultPath } from '../parsing/fault.ts';
import type { TenantFileContent } from '../tenant/tenant-schema.ts';
import type { LdapSourceFile } from './ldap-source-schema.ts';
import { expandPreset } from './source-presets.ts';
import type { HttpSourceFile, LocalSourceFile, SourceFile } from './source-schema.ts';
import { oauth2SourceSchema, topProperties, type UpstreamSourceFile } from './upstream-source-schema.ts';

/** A source as written in the file, with its preset applied. */
export type FullSource = LocalSourceFile | LdapSourceFile | UpstreamSourceFile | HttpSourceFile;

/** A source with its position in the file. */
export interface WrittenSource {
  readonly source: FullSource;
  /** Empty for the six properties at the top. */
  readonly path: FaultPath;
  readonly file?: SourceFile;
}

/** Properties of an upstream at the top of the file, in its order of importance. */
export const topKeys = Object.keys(topProperties) as readonly (keyof typeof topProperties)[];

/** The sources of a file; none when it names none, and the local list is meant. */
export const writtenSources = (
  content: TenantFileContent,
  fileIndexes: readonly number[],
): readonly WrittenSource[] => {
  const top = topKeys.some((key) => content[key] !== undefined) ? [sourceAtTop(content)] : [];
  const listed = (content.sources ?? []).map(
    (file, index): WrittenSource => ({
      source: 'preset' in file ? expandPreset(file) : file,
      path: ['sources', fileIndexes[index] ?? index],
      file,
    }),
  );
  return [...top, ...listed];
};

const sourceAtTop = (content: TenantFileContent): WrittenSource => {
  const written = definedOnly(Object.fromEntries(topKeys.map((key) => [key, content[key]])));
  const source = oauth2SourceSchema.parse({ ...written, type: 'oauth2', id: 'upstream' });
  const place = source.userAuthorizationUri ?? source.userInfoUri;
  return {
    source: { ...source, ...(place === undefined ? {} : { displayName: new URL(place).hostname }) },
    path: [],
  };
};
