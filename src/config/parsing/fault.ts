/** A part of the configuration that an operator has to change. Never holds a value that may be secret. */
export interface Fault {
  /** The file as the operator knows it, or `environment` or `command line`. */
  readonly file: string;
  /** From 1; absent where there are no lines. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
  /** `clients.0.redirect_uris.0`, the variable's name, or empty for the file as a whole. */
  readonly path: string;
  /** What is wrong and what to write instead. */
  readonly message: string;
}

export type FaultPath = readonly (string | number)[];

/** A fault that a rule found; the file and the position are added where they are known. */
export interface PathFault {
  readonly path: FaultPath;
  readonly message: string;
  /** True when `path` ends in a key that should not be there: the position is the key's, not the value's. */
  readonly atKey?: boolean;
}

/** `tenants/acme.yaml:4:10 clients.0.redirect_uris.0: …` */
export const formatFault = ({ file, line, column, path, message }: Fault): string => {
  const place = line === undefined ? file : `${file}:${line}:${column ?? 1}`;
  return `${place}${path === '' ? '' : ` ${path}`}: ${message}`;
};

/** In the order of the file. */
export const byPosition = (one: Fault, other: Fault): number =>
  (one.line ?? 0) - (other.line ?? 0) || (one.column ?? 0) - (other.column ?? 0);
