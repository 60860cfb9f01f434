import openapiTS, { astToString } from 'openapi-typescript';

/** The types of `api-types.ts`, from the OpenAPI document of the service API. */
export const typesOf = async (document: object): Promise<string> => {
  const nodes = await openapiTS(structuredClone(document) as Parameters<typeof openapiTS>[0], {
    rootTypes: true,
    rootTypesNoSchemaPrefix: true,
    defaultNonNullable: false,
  });
  return `/** Generated from docs/openapi/service.json by \`npm run openapi\`. */\n\n${astToString(nodes)}`;
};
