import { tokenExchangeGrant } from '../../protocol/grant-types.ts';
import type { PathFault } from '../parsing/fault.ts';
import { reference } from '../parsing/name-references.ts';
import type { NamesInFile } from '../tenant/names-in-file.ts';
import type { JudgedContent } from '../tenant/partial-content.ts';
import { checkLdapSource } from './ldap-source-rules.ts';
import { checkPreset } from './source-presets.ts';
import { isDiscovered } from './upstream-source-file.ts';
import { checkUpstream } from './upstream-source-rules.ts';
import { type FullSource, topKeys, type WrittenSource, writtenSources } from './written-sources.ts';

/** The rules of a file's sources. */
export const checkSources = (judged: JudgedContent, names: NamesInFile): readonly PathFault[] => {
  const { content, doubtful, fileIndexes } = judged;
  const written = writtenSources(content, fileIndexes.sources);
  const faults = written.flatMap((one, index) => [
    ...checkAlone(one),
    ...checkAmong(written, index),
    ...checkNames(one, judged, names),
  ]);
  return [
    // a key at the top that could not be read is not reported as missing
    ...faults.filter(({ path: [first] }) => first === 'sources' || !doubtful.has(String(first))),
    ...checkPlace(judged),
    ...checkLocalList(judged, written),
  ];
};

const under = ({ path }: WrittenSource, faults: readonly PathFault[]): readonly PathFault[] =>
  faults.map((fault) => ({ ...fault, path: [...path, ...fault.path] }));

const checkAlone = (written: WrittenSource): readonly PathFault[] => {
  const { source, file } = written;
  const preset = file !== undefined && 'preset' in file ? checkPreset(file) : [];
  // all other faults follow from the missing key of the preset
  if (preset.length > 0) return under(written, preset);
  if (source.type === 'ldap') return under(written, checkLdapSource(source));
  if (source.type === 'oidc' || source.type === 'oauth2') return under(written, checkUpstream(source));
  return [];
};

const checkAmong = (all: readonly WrittenSource[], index: number): readonly PathFault[] => {
  const written = all[index];
  if (written === undefined) return [];
  const { source, file } = written;
  const above = all.slice(0, index).map((one) => one.source);
  const faults: PathFault[] = [];
  if (above.some(({ id }) => id === source.id))
    faults.push(
      file?.id === undefined
        ? { path: ['id'], message: 'is missing; a source above has the id that follows from the preset' }
        : { path: ['id'], message: 'was given above; choose another, or remove one of the two' },
    );
  if (source.type === 'local' && above.some(({ type }) => type === 'local'))
    faults.push({
      path: ['type'],
      message: 'is local a second time; there is one local list, remove this one',
    });
  if (isRedirect(source))
    for (const [place, domain] of source.domains.entries())
      if (above.some((other) => isRedirect(other) && other.domains.includes(domain)))
        faults.push({
          path: ['domains', place],
          message: 'sends its people to a source above already; remove it from one of the two',
        });
  if (
    source.type !== 'local' &&
    source.adopt === 'takeover' &&
    !all.some((one) => one.source.type === 'local')
  )
    faults.push({
      path: ['adopt'],
      message: 'hands passwords over to the local list, and there is none; add - { id: local, type: local }',
    });
  return under(written, faults);
};

/** Does the source send the browser to another site to sign in? */
const isRedirect = (source: FullSource): boolean =>
  (source.type === 'oidc' || source.type === 'oauth2') &&
  source.clientId !== undefined &&
  (source.userAuthorizationUri !== undefined || isDiscovered(source));

const checkNames = (
  written: WrittenSource,
  { content }: JudgedContent,
  names: NamesInFile,
): readonly PathFault[] => {
  const { source } = written;
  const tokensFor = source.type === 'oidc' || source.type === 'oauth2' ? (source.tokensFor ?? []) : [];
  return under(written, [
    ...(source.clients ?? []).flatMap((id, place) => reference(['clients', place], id, names.clients)),
    ...tokensFor.flatMap((id, place) => {
      const path = ['tokensFor', place];
      const client = content.clients.find(({ client_id }) => client_id === id);
      return client === undefined || client.grant_types.includes(tokenExchangeGrant)
        ? reference(path, id, names.clients)
        : [
            {
              path,
              message: `names a client that may not ask for them; add ${tokenExchangeGrant} to its grant_types`,
            },
          ];
    }),
  ]);
};

/** The six properties make a source by themselves, or belong to one of `sources`. */
const checkPlace = ({ content, doubtful }: JudgedContent): readonly PathFault[] => {
  const hasSources = content.sources !== undefined || doubtful.has('sources');
  return topKeys
    .filter((key) => hasSources && content[key] !== undefined)
    .map((key) => ({
      path: [key],
      atKey: true,
      message: 'does not go with sources; move it into an entry there, with type: oauth2',
    }));
};

const checkLocalList = (
  { content, doubtful }: JudgedContent,
  written: readonly WrittenSource[],
): readonly PathFault[] =>
  content.users.length === 0 ||
  written.length === 0 ||
  doubtful.has('sources') ||
  written.some(({ source }) => source.type === 'local')
    ? []
    : [
        {
          path: ['users'],
          atKey: true,
          message:
            'are of no use without a local source; add - { id: local, type: local } to sources, or remove them',
        },
      ];
