/** RFC 4511 section 4.1.9 and appendix A. */
export const resultCode = {
  operationsError: 1,
  protocolError: 2,
  sizeLimitExceeded: 4,
  authMethodNotSupported: 7,
  strongerAuthRequired: 8,
  referral: 10,
  adminLimitExceeded: 11,
  unavailableCriticalExtension: 12,
  confidentialityRequired: 13,
  noSuchAttribute: 16,
  undefinedAttributeType: 17,
  inappropriateMatching: 18,
  constraintViolation: 19,
  invalidAttributeSyntax: 21,
  noSuchObject: 32,
  aliasProblem: 33,
  invalidDnSyntax: 34,
  aliasDereferencingProblem: 36,
  inappropriateAuthentication: 48,
  invalidCredentials: 49,
  insufficientAccessRights: 50,
  busy: 51,
  unavailable: 52,
  unwillingToPerform: 53,
  loopDetect: 54,
} as const;

/** The server itself has failed; another one may still work. */
export const serverTroubles: ReadonlySet<number> = new Set([resultCode.busy, resultCode.unavailable]);

interface LastingRefusal {
  readonly name: string;
  readonly advice: string;
  readonly isLimit?: boolean;
}

const filterAdvice = 'correct the search filter and the attributes of the source';
const encryptionAdvice = 'use ldaps:// or startTls: true';
const accountAdvice = 'set an account under bind, or give it the right to read';
const elsewhereAdvice = 'name the server that has the entries in urls, or correct the search base';

/**
 * Answers to a search or a bind that stay the same until a setting is changed, with the advice for the log. All others
 * may pass: a time limit, a server that is busy, and `other`, which servers answer for faults of their own.
 */
export const lastingRefusals: ReadonlyMap<number, LastingRefusal> = new Map([
  [
    resultCode.protocolError,
    { name: 'protocolError', advice: 'see that it is a server of LDAP version 3, and read its log' },
  ],
  [
    resultCode.sizeLimitExceeded,
    {
      name: 'sizeLimitExceeded',
      isLimit: true,
      advice:
        'raise the size limit of the server for the account that searches (OpenLDAP: limits … size.prtotal)',
    },
  ],
  [
    resultCode.authMethodNotSupported,
    { name: 'authMethodNotSupported', advice: 'allow simple binds at the server' },
  ],
  [resultCode.strongerAuthRequired, { name: 'strongerAuthRequired', advice: encryptionAdvice }],
  [resultCode.referral, { name: 'referral', advice: elsewhereAdvice }],
  [
    resultCode.adminLimitExceeded,
    {
      name: 'adminLimitExceeded',
      isLimit: true,
      advice: 'raise the limits of the server for the account that searches',
    },
  ],
  [
    resultCode.unavailableCriticalExtension,
    {
      name: 'unavailableCriticalExtension',
      advice: 'allow paged results (RFC 2696) to the account that searches',
    },
  ],
  [resultCode.confidentialityRequired, { name: 'confidentialityRequired', advice: encryptionAdvice }],
  [resultCode.undefinedAttributeType, { name: 'undefinedAttributeType', advice: filterAdvice }],
  [resultCode.inappropriateMatching, { name: 'inappropriateMatching', advice: filterAdvice }],
  [resultCode.invalidAttributeSyntax, { name: 'invalidAttributeSyntax', advice: filterAdvice }],
  [
    resultCode.noSuchObject,
    { name: 'noSuchObject', advice: 'there is no such entry, or no right to read it' },
  ],
  [resultCode.aliasProblem, { name: 'aliasProblem', advice: elsewhereAdvice }],
  [resultCode.invalidDnSyntax, { name: 'invalidDNSyntax', advice: 'correct the search base' }],
  [resultCode.aliasDereferencingProblem, { name: 'aliasDereferencingProblem', advice: elsewhereAdvice }],
  [resultCode.inappropriateAuthentication, { name: 'inappropriateAuthentication', advice: accountAdvice }],
  [
    resultCode.insufficientAccessRights,
    { name: 'insufficientAccessRights', advice: 'give the account that searches the right to read' },
  ],
  [
    resultCode.unwillingToPerform,
    { name: 'unwillingToPerform', advice: 'the server forbids this by a setting: read its log' },
  ],
  [resultCode.loopDetect, { name: 'loopDetect', advice: elsewhereAdvice }],
]);

/** Answers to a bind that are about the person; all others are about the server, or us. */
export const bindRefusals: ReadonlySet<number> = new Set([
  resultCode.invalidCredentials,
  // there is no such entry
  resultCode.noSuchObject,
  resultCode.invalidDnSyntax,
  // the entry has no password
  resultCode.inappropriateAuthentication,
  // 389 Directory Server says these of disabled and of locked accounts
  resultCode.unwillingToPerform,
  resultCode.constraintViolation,
]);
