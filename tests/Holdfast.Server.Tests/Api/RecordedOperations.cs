using System.Collections.Concurrent;
using System.Reflection;
using Holdfast.Core.Ids;
using Holdfast.Server.Accounts;
using Holdfast.Server.Annotations;
using Holdfast.Server.Events;
using Holdfast.Server.Hosts;
using Holdfast.Server.AffinityGroups;
using Holdfast.Server.InstanceGroups;
using Holdfast.Server.Inventories;
using Holdfast.Server.Limits;
using Holdfast.Server.Machines;
using Holdfast.Server.Obligations;
using Holdfast.Server.Offerings;
using Holdfast.Server.Pools;
using Holdfast.Server.ResourceDetails;
using Holdfast.Server.ResourceIcons;
using Holdfast.Server.Settings;
using Holdfast.Server.SshKeyPairs;
using Holdfast.Server.Tags;
using Holdfast.Server.Templates;
using Holdfast.Server.Transactions;
using Holdfast.Server.UserData;
using Holdfast.Server.VmSchedules;
using Holdfast.Server.Volumes;
using Holdfast.Server.Zones;
using Microsoft.Extensions.DependencyInjection;

namespace Holdfast.Server.Tests.Api;

/// <summary>Stands in for every operation: records the call, and answers as it is told, by default with an error that no client should see.</summary>
internal class RecordedOperations : DispatchProxy
{
    private OperationLog _log = null!;

    public static void Register(IServiceCollection services, OperationLog log)
    {
        Add<IVirtualMachineOperations>(services, log);
        Add<IVolumeOperations>(services, log);
        Add<IStoragePoolOperations>(services, log);
        Add<IOfferingOperations>(services, log);
        Add<ITemplateOperations>(services, log);
        Add<IDomainOperations>(services, log);
        Add<IAccountOperations>(services, log);
        Add<IProjectOperations>(services, log);
        Add<IUserOperations>(services, log);
        Add<IUserKeyOperations>(services, log);
        Add<ISecondFactorOperations>(services, log);
        Add<IRoleOperations>(services, log);
        Add<ILimitOperations>(services, log);
        Add<ITagOperations>(services, log);
        Add<IResourceDetailOperations>(services, log);
        Add<IResourceIconOperations>(services, log);
        Add<ISshKeyPairOperations>(services, log);
        Add<IZoneOperations>(services, log);
        Add<IPodOperations>(services, log);
        Add<IClusterOperations>(services, log);
        Add<IUserDataOperations>(services, log);
        Add<IHostOperations>(services, log);
        Add<IObligationOperations>(services, log);
        Add<IInventoryOperations>(services, log);
        Add<IInstanceGroupOperations>(services, log);
        Add<IAffinityGroupOperations>(services, log);
        Add<IVmScheduleOperations>(services, log);
        Add<IAnnotationOperations>(services, log);
        Add<IEventOperations>(services, log);
        Add<IConfigurationOperations>(services, log);
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        _log.Calls.Enqueue(new OperationCall(targetMethod!.Name, args!));
        if (_log.Answers.TryGetValue(targetMethod.Name, out var answer))
        {
            return answer(args!);
        }

        var type = targetMethod.ReturnType.GetGenericArguments()[0];
        var fault = Faults.Runtime("no answer was prepared");
        var refused = type == typeof(JobOutcome)
            ? new JobOutcome.Refused(fault)
            : Activator.CreateInstance(typeof(Outcome<>.Refused).MakeGenericType(type.GetGenericArguments()), fault)!;
        return typeof(Task).GetMethod(nameof(Task.FromResult))!.MakeGenericMethod(type).Invoke(null, [refused]);
    }

    private static void Add<T>(IServiceCollection services, OperationLog log)
        where T : class
    {
        var proxy = Create<T, RecordedOperations>();
        ((RecordedOperations)(object)proxy)._log = log;
        services.AddSingleton(proxy);
    }
}

/// <summary>What was asked of operations, and what they answer.</summary>
internal sealed class OperationLog
{
    public ConcurrentQueue<OperationCall> Calls { get; } = new();

    public ConcurrentDictionary<string, Func<object?[], object>> Answers { get; } = new();

    public void Accept(string method, JobId job, Guid entity) => Answers[method] = _ => Task.FromResult<JobOutcome>(new JobOutcome.Accepted(job, entity));

    public void Done<T>(string method, T value) => Answers[method] = _ => Task.FromResult<Outcome<T>>(new Outcome<T>.Done(value));
}

internal sealed record OperationCall(string Method, object?[] Arguments);
