import path from 'node:path';
import {
  ApiGatewayV2Client,
  CreateIntegrationCommand,
  CreateRouteCommand,
  GetApiCommand,
  GetRoutesCommand,
  UpdateApiCommand,
} from '@aws-sdk/client-apigatewayv2';
import { CloudFormationClient, paginateListStackResources } from '@aws-sdk/client-cloudformation';
import { describeStack } from '../../cli/describe-stack.ts';
import { type HttpApiEvent, readTemplate, resourcesOf, routeKeyOf } from '../../local/template.ts';
import { ROOT, run } from './engine.ts';
import { samEnvironment } from './sam-cli.ts';

/** An AWS emulator to deploy to, and its credentials. */
export type Target = {
  endpoint: string;
  access: { AWS_ACCESS_KEY_ID: string; AWS_SECRET_ACCESS_KEY: string; AWS_REGION: string };
};

/** A deployed stack. */
export type Deployment = {
  outputs: Record<string, string>;
  /** Physical ids of the resources by logical id. */
  physicalIds: Record<string, string>;
};

/** Environment variables with which `sam` and the SDKs use a target. */
export const targetEnvironment = ({ endpoint, access }: Target): Record<string, string> => ({
  ...access,
  // The SDK for JavaScript reads AWS_REGION; the SDK for Python, AWS_DEFAULT_REGION.
  AWS_DEFAULT_REGION: access.AWS_REGION,
  AWS_ENDPOINT_URL: endpoint,
});

/** Options of SDK clients for a target. */
export const clientOptions = ({ endpoint, access }: Target) => ({
  endpoint,
  region: access.AWS_REGION,
  credentials: { accessKeyId: access.AWS_ACCESS_KEY_ID, secretAccessKey: access.AWS_SECRET_ACCESS_KEY },
});

/** Runs `work` with a client, and closes the client. */
const using = async <C extends { destroy: () => void }, T>(client: C, work: (client: C) => Promise<T>): Promise<T> =>
  work(client).finally(() => client.destroy());

/**
 * Builds with SAM, and creates or updates the stack.
 * @param folder with the template
 * @param parameters of the template, in addition to Stage=local
 * @throws Unavailable | CommandFailed
 */
export const deploy = async (
  target: Target,
  stackName: string,
  { folder = ROOT, parameters = {} }: { folder?: string; parameters?: Record<string, string> },
): Promise<Deployment> => {
  const env = { ...(await samEnvironment()), ...targetEnvironment(target) };
  await run('sam', ['build'], { env, cwd: folder, isQuiet: true });
  const overrides = Object.entries({ Stage: 'local', ...parameters }).map(([name, value]) => `${name}=${value}`);
  const args = ['--config-env', 'local', '--stack-name', stackName, '--no-fail-on-empty-changeset'];
  await run('sam', ['deploy', ...args, '--parameter-overrides', ...overrides], { env, cwd: folder, isQuiet: true });
  const { stackId, ...deployment } = await describe(target, stackName);
  await completeApis(target, { folder, stackId, physicalIds: deployment.physicalIds });
  return deployment;
};

/** Deletes a stack and its artefacts, except for resources with DeletionPolicy Retain. */
export const undeploy = async (target: Target, stackName: string): Promise<void> => {
  const env = { ...(await samEnvironment()), ...targetEnvironment(target) };
  const args = ['--no-prompts', '--stack-name', stackName, '--region', target.access.AWS_REGION];
  await run('sam', ['delete', ...args], { env, isQuiet: true });
};

const describe = async (target: Target, StackName: string): Promise<Deployment & { stackId: string }> =>
  using(new CloudFormationClient(clientOptions(target)), async (client) => {
    const description = await describeStack(client, StackName);
    const ids: [string, string][] = [];
    for await (const { StackResourceSummaries = [] } of paginateListStackResources({ client }, { StackName })) {
      for (const { LogicalResourceId = '', PhysicalResourceId = '' } of StackResourceSummaries) {
        ids.push([LogicalResourceId, PhysicalResourceId]);
      }
    }
    return { ...description, physicalIds: Object.fromEntries(ids) };
  });

type Stack = { folder: string; stackId: string; physicalIds: Deployment['physicalIds'] };
type Cors = Record<'AllowOrigins' | 'AllowMethods' | 'AllowHeaders', string[]>;

/**
 * Creates the APIs' routes and CORS if the emulator ignored the OpenAPI definition that SAM generates. AWS imports it with the API
 * (CloudFormation, AWS::ApiGatewayV2::Api, Body).
 */
const completeApis = async (target: Target, { folder, stackId, physicalIds }: Stack): Promise<void> => {
  const template = readTemplate(path.join(folder, 'template.yaml'));
  const events = resourcesOf(template, 'AWS::Serverless::Function').flatMap(([functionId, { Properties }]) =>
    Object.values((Properties?.Events ?? {}) as Record<string, HttpApiEvent>).map((event) => ({
      apiId: event.Properties.ApiId.Ref,
      routeKey: routeKeyOf(event.Properties),
      functionArn: `${functionArnPrefix(stackId)}${physicalIds[functionId]}`,
    })),
  );
  await using(new ApiGatewayV2Client(clientOptions(target)), async (client) => {
    for (const [apiId, { Properties }] of resourcesOf(template, 'AWS::Serverless::HttpApi')) {
      const ApiId = physicalIds[apiId];
      const { Items = [] } = await client.send(new GetRoutesCommand({ ApiId }));
      const known = new Set(Items.map(({ RouteKey }) => RouteKey));
      for (const { routeKey, functionArn } of events.filter((event) => event.apiId === apiId)) {
        if (known.has(routeKey)) continue;
        const integration = {
          IntegrationType: 'AWS_PROXY',
          PayloadFormatVersion: '2.0',
          IntegrationUri: functionArn,
        } as const;
        const { IntegrationId } = await client.send(new CreateIntegrationCommand({ ApiId, ...integration }));
        const Target = `integrations/${IntegrationId}`;
        await client.send(new CreateRouteCommand({ ApiId, RouteKey: routeKey, Target }));
      }
      const cors = Properties?.CorsConfiguration as Cors | { 'Fn::If': unknown } | undefined;
      const { CorsConfiguration } = await client.send(new GetApiCommand({ ApiId }));
      // The service API has no CORS by default.
      if (!cors || 'Fn::If' in cors || CorsConfiguration) continue;
      await client.send(new UpdateApiCommand({ ApiId, CorsConfiguration: cors }));
    }
  });
};

/** Prefix of the ARNs of a stack's functions. Region and account are taken from the stack's own ARN. */
const functionArnPrefix = (stackId: string): string => {
  const [, partition, , region, account] = stackId.split(':');
  return `arn:${partition}:lambda:${region}:${account}:function:`;
};
