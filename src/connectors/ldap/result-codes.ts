/** RFC 4511 section 4.1.9 and appendix A. */
export const resultCode = {
  operationsError: 1,
  protocolError: 2,
  sizeLimitExceeded: 4,
  adminLimitExceeded: 11,
  noSuchAttribute: 16,
  constraintViolation: 19,
  noSuchObject: 32,
  invalidDnSyntax: 34,
  inappropriateAuthentication: 48,
  invalidCredentials: 49,
  insufficientAccessRights: 50,
  busy: 51,
  unavailable: 52,
  unwillingToPerform: 53,
} as const;

/** The server itself has failed; another one may still work. */
export const serverTroubles: ReadonlySet<number> = new Set([resultCode.busy, resultCode.unavailable]);

interface LastingRefusal {
  readonly name: string;
  readonly advice: string;
  readonly isLimit?: boolean;
}

/** Answers to a search that stay the same until a setting is changed, with the advice for the log. */
export const lastingRefusals: ReadonlyMap<number, LastingRefusal> = new Map([
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
    resultCode.adminLimitExceeded,
    {
      name: 'adminLimitExceeded',
      isLimit: true,
      advice: 'raise the limits of the server for the account that searches',
    },
  ],
  [
    resultCode.noSuchObject,
    { name: 'noSuchObject', advice: 'there is no such entry, or no right to read it' },
  ],
  [resultCode.invalidDnSyntax, { name: 'invalidDNSyntax', advice: 'correct the search base' }],
  [
    resultCode.insufficientAccessRights,
    { name: 'insufficientAccessRights', advice: 'give the account that searches the right to read' },
  ],
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
