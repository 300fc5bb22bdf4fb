export type PartName =
  | 'mongod'
  | 'slapd'
  | 'samba'
  | 'chromium'
  | 'nginx'
  | 'caddy'
  | 'haproxy'
  | 'apache'
  | 'python-jwt'
  | 'schemathesis'
  | 'go-jwt'
  | 'java-jwt'
  | 'example-express'
  | 'example-spa'
  | 'example-django'
  | 'example-fastapi'
  | 'example-spring-boot'
  | 'example-go';
export declare const partNames: readonly PartName[];
export declare const findPart: (name: PartName) => string | undefined;
export declare const isOptional: (name: PartName) => boolean;
export declare const interopFolder: (language: 'python' | 'go' | 'java') => string;
export declare const schemathesisFolder: () => string;
export declare const exampleFolder: (
  name: 'express' | 'spa' | 'fastapi' | 'django' | 'go' | 'spring-boot',
) => string;
export declare const adviceFor: (name: PartName) => string;
export declare const ensureParts: () => Record<PartName, string | undefined>;
