import { errors } from 'jose';
import { definedOnly } from '../../defined-only.ts';
import type { LookupVerdict, RedirectSource, SourcePerson } from '../connector.ts';
import { asOutage } from './failures.ts';
import { verifiedIdToken } from './id-token.ts';
import type { PersonReader } from './person-reader.ts';
import type { UpstreamClient, UpstreamParts } from './upstream-client.ts';
import { broken, unsuitable } from './user-info.ts';

export interface ReadAgainParts extends UpstreamParts {
  readonly reader: PersonReader;
}

const otherPerson: LookupVerdict<SourcePerson> = { status: 'absent', reason: 'other_person' };

/**
 * Reads the person of tokens that were refreshed just now. Their ID token must name the issuer and the person of the
 * first one (OpenID Connect Core section 12.2). An upstream that sends none is asked at user-info alone, so what only
 * an ID token says stays as it was.
 * @throws AppError `unavailable`: also for an answer that names nobody, which says nothing about this person
 */
export const readAgain = async (
  client: UpstreamClient,
  parts: ReadAgainParts,
  [tokens, who]: Parameters<RedirectSource['readAgain']>,
): Promise<LookupVerdict<SourcePerson>> => {
  const { type } = client.source;
  try {
    const claims =
      type === 'oidc' && tokens.idToken !== undefined
        ? await verifiedIdToken(client, parts, tokens.idToken)
        : undefined;
    const read = await parts.reader.read({
      accessToken: tokens.accessToken,
      hasIdToken: claims !== undefined,
      ...definedOnly({ claims }),
    });
    if (!read.ok) {
      if (read.reason === 'other_person') return otherPerson;
      // the token is new: what has ended is the grant or the person (RFC 6750 section 3.1)
      if (read.reason === 'refused') return { status: 'absent', reason: 'grant_refused' };
      if (read.reason === 'forbidden') throw unsuitable(read.detail);
      throw broken(read.detail);
    }
    const { person } = read;
    if (person.subject !== who.subject) return otherPerson;
    // without an ID token the issuer is known only as it is in the file, which may be a template
    if (claims !== undefined && who.issuer !== undefined && claims.iss !== who.issuer) return otherPerson;
    if (type !== 'oidc' || claims !== undefined) return { status: 'present', person };
    return { status: 'present', person, partly: { hasGroups: person.groups.length > 0 } };
  } catch (error) {
    if (error instanceof errors.JOSEError) throw broken(error.message);
    throw asOutage(error);
  }
};
