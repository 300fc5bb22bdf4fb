// OpenLDAP and its relatives accept no bind with an expired password, so its person cannot change it: only an account
// with the right to write passwords can, and it cannot present the old one.
import { Attribute, Change } from 'ldapts';
import { randomId } from '../../crypto/ids.ts';
import type { LdapConnection } from './connection.ts';
import type { Deadline } from './deadline.ts';
import type { LdapSourceParts } from './ldap-source-parts.ts';
import { resultCode } from './result-codes.ts';

/**
 * May this connection's account write the passwords of people? It asks for the removal of a value that nobody has: the
 * server checks the right first, and changes nothing.
 */
export const mayWritePassword = async (
  connection: LdapConnection,
  dn: string,
  deadline: Deadline,
): Promise<boolean> => {
  const modification = new Attribute({ type: 'userPassword', values: [randomId()] });
  const answer = await connection.modify(dn, [new Change({ operation: 'delete', modification })], deadline);
  return answer.ok || answer.code !== resultCode.insufficientAccessRights;
};

/**
 * Does the answer "expired" prove the password? Not at a server that gives it for a wrong one too: there everybody could
 * set a new password.
 */
export const isExpiryProof = (
  { directory }: LdapSourceParts,
  dn: string,
  deadline: Deadline,
): Promise<boolean> =>
  directory.use('people', {
    isRepeatable: true,
    deadline,
    work: async (connection) => {
      const answer = await connection.bind(dn, randomId(), deadline);
      return !answer.ok && answer.code === resultCode.invalidCredentials && answer.policy === undefined;
    },
  });
