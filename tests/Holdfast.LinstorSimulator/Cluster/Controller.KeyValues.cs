using Holdfast.LinstorSimulation.Api;

namespace Holdfast.LinstorSimulation.Cluster;

internal sealed partial class Controller
{
    public List<KeyValueStore> KeyValueStores()
    {
        lock (_lock)
        {
            return [.. _state.KeyValues.Select(static pair => new KeyValueStore { Name = pair.Key, Props = new Dictionary<string, string>(pair.Value) })];
        }
    }

    /// <summary>An instance nobody wrote to is empty, not missing.</summary>
    public KeyValueStore KeyValues(string instance)
    {
        lock (_lock)
        {
            return new KeyValueStore { Name = instance, Props = new Dictionary<string, string>(_state.KeyValues.GetValueOrDefault(instance) ?? []) };
        }
    }

    public Answer ChangeKeyValues(string instance, PropertiesModify change)
    {
        var answer = NewAnswer(ReturnCodes.Modify, ReturnCodes.KeyValueStore);
        lock (_lock)
        {
            var props = _state.KeyValues.TryGetValue(instance, out var known) ? known : _state.KeyValues[instance] = [];
            answer.Success(ReturnCodes.Modified, $"Key-value store '{instance}' modified.");
            ChangeProps(props, change.OverrideProps, change.DeleteProps, change.DeleteNamespaces, NewAnswer(0, 0));
            if (props.Count == 0)
            {
                _state.KeyValues.Remove(instance);
            }

            Save();
            return answer;
        }
    }

    public Answer DeleteKeyValues(string instance)
    {
        var answer = NewAnswer(ReturnCodes.Delete, ReturnCodes.KeyValueStore);
        lock (_lock)
        {
            if (!_state.KeyValues.Remove(instance))
            {
                return answer.Warn(ReturnCodes.WarnNotFound, $"Deletion of key-value store '{instance}' had no effect.");
            }

            Save();
            return answer.Success(ReturnCodes.Deleted, $"Key-value store '{instance}' deleted.");
        }
    }
}
