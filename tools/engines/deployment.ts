import path from 'node:path';
import {
  ApiGatewayV2Client,
  CreateIntegrationCommand,
  CreateRouteCommand,
  GetRoutesCommand,
} from '@aws-sdk/client-apigatewayv2';
import {
  CloudFormationClient,
  DescribeStackResourcesCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { readTemplate, resourcesOf } from '../../local/template.ts';
import { ROOT, run } from './engine.ts';
import { samEnvironment } from './sam.ts';

/** Where to deploy to: something that plays AWS on this machine, and credentials that it takes. */
export type Target = { endpoint: string; access: Record<string, string> };

/** A deployed stack. */
export type Deployment = {
  outputs: Record<string, string>;
  /** What resources are called there, by logical id. */
  physicalIds: Record<string, string>;
};

/** The environment in which `sam` and the SDK work on a target. */
export const targetEnvironment = ({ endpoint, access }: Target): Record<string, string> => ({
  ...access,
  AWS_ENDPOINT_URL: endpoint,
});

const clientOptions = ({ endpoint, access }: Target) => ({
  endpoint,
  region: access.AWS_REGION ?? 'us-east-1',
  credentials: { accessKeyId: access.AWS_ACCESS_KEY_ID ?? '', secretAccessKey: access.AWS_SECRET_ACCESS_KEY ?? '' },
});

/**
 * Builds with SAM and deploys, or updates what is deployed.
 * @param folder where the template is
 * @param parameters of the template, besides those of samconfig.toml
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
  const deployment = await describe(target, stackName);
  await connectRoutes(target, folder, deployment.physicalIds);
  return deployment;
};

/** Deletes a stack and its artefacts; what is to be retained stays. */
export const undeploy = async (target: Target, stackName: string): Promise<void> => {
  const env = { ...(await samEnvironment()), ...targetEnvironment(target) };
  const region = clientOptions(target).region;
  await run('sam', ['delete', '--no-prompts', '--stack-name', stackName, '--region', region], { env, isQuiet: true });
};

const describe = async (target: Target, StackName: string): Promise<Deployment> => {
  const client = new CloudFormationClient(clientOptions(target));
  const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName }));
  const { StackResources = [] } = await client.send(new DescribeStackResourcesCommand({ StackName }));
  client.destroy();
  const outputs = (Stacks[0]?.Outputs ?? []).map(({ OutputKey = '', OutputValue = '' }) => [OutputKey, OutputValue]);
  const ids = StackResources.map(({ LogicalResourceId = '', PhysicalResourceId = '' }) => [
    LogicalResourceId,
    PhysicalResourceId,
  ]);
  return { outputs: Object.fromEntries(outputs), physicalIds: Object.fromEntries(ids) };
};

/**
 * Gives the APIs their routes where the endpoint has made none of the definition that SAM generates: AWS imports it with the
 * API (CloudFormation, AWS::ApiGatewayV2::Api, Body).
 */
const connectRoutes = async (target: Target, folder: string, physicalIds: Deployment['physicalIds']): Promise<void> => {
  const client = new ApiGatewayV2Client(clientOptions(target));
  const template = readTemplate(path.join(folder, 'template.yaml'));
  const known = new Map<string, Set<string>>();
  for (const [logicalId] of resourcesOf(template, 'AWS::Serverless::HttpApi')) {
    const { Items = [] } = await client.send(new GetRoutesCommand({ ApiId: physicalIds[logicalId] }));
    known.set(logicalId, new Set(Items.map(({ RouteKey = '' }) => RouteKey)));
  }
  for (const [logicalId, { Properties }] of resourcesOf(template, 'AWS::Serverless::Function')) {
    for (const { Properties: event } of Object.values((Properties?.Events ?? {}) as Events)) {
      const RouteKey = event.Path === '$default' ? event.Path : `${event.Method} ${event.Path}`;
      if (known.get(event.ApiId.Ref)?.has(RouteKey)) continue;
      const ApiId = physicalIds[event.ApiId.Ref];
      const { IntegrationId } = await client.send(
        new CreateIntegrationCommand({
          ApiId,
          IntegrationType: 'AWS_PROXY',
          PayloadFormatVersion: '2.0',
          IntegrationUri: `arn:aws:lambda:us-east-1:000000000000:function:${physicalIds[logicalId]}`,
        }),
      );
      await client.send(new CreateRouteCommand({ ApiId, RouteKey, Target: `integrations/${IntegrationId}` }));
    }
  }
  client.destroy();
};

type Events = Record<string, { Properties: { ApiId: { Ref: string }; Method: string; Path: string } }>;
