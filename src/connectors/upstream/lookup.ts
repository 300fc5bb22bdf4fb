import type { LookupVerdict, PersonLookup, SourcePerson } from '../connector.ts';
import { type Details, decidesStanding, isNamedBySubject } from './details.ts';
import type { PersonReader } from './person-reader.ts';
import type { UpstreamClient } from './upstream-client.ts';

/**
 * Looks people up through the `details` of the source. Undefined when it has none, or when its URI has no placeholder
 * for the key of a person. The attributes of such a person are those of `details` alone.
 */
export const createLookup = (
  { source }: UpstreamClient,
  details: Details | undefined,
  reader: PersonReader,
): PersonLookup<SourcePerson> | undefined => {
  if (details === undefined || !decidesStanding(source)) return undefined;
  const isNameSubject = isNamedBySubject(source);

  const find = async (subject: string): Promise<LookupVerdict<SourcePerson>> => {
    const found = await details.find({ subject, ...(isNameSubject ? { username: subject } : {}) });
    if (found === undefined) return { status: 'absent' };
    return isDisabled(found)
      ? { status: 'refused', reason: 'account_disabled' }
      : {
          status: 'present',
          person: reader.fromDetails(subject, found),
          partly: { hasGroups: 'groups' in found || 'roles' in found },
        };
  };

  // A name that the operator gives may be a subject: only the upstream can decide that.
  return { find: (who) => find('subject' in who ? who.subject : who.login) };
};

/** The members by which Keycloak, Microsoft Graph and SCIM (RFC 7643 section 4.1.1) mark a disabled person. */
const isDisabled = (details: Readonly<Record<string, unknown>>): boolean =>
  ['enabled', 'accountEnabled', 'active'].some((name) => details[name] === false);
