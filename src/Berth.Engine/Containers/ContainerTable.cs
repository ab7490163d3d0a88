using Berth.Engine.State;
using Berth.Faults;

namespace Berth.Engine;

/// <summary>All containers by ID and name. A name is taken from the moment it is reserved.</summary>
internal sealed class ContainerTable(StateDatabase state)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Container> _byId = new(StringComparer.Ordinal); // Guarded by _gate.
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);   // Guarded by _gate: name to ID.

    public IReadOnlyList<Container> All
    {
        get
        {
            lock (_gate)
                return [.. _byId.Values];
        }
    }

    /// <summary>Takes in what an earlier engine left.</summary>
    public void Load()
    {
        foreach ((string _, ContainerRecord record) in state.ReadAll(Kinds.Container, StateJson.Default.ContainerRecord))
        {
            _byId[record.Id] = new Container(record);
            _names[record.Name] = record.Id;
        }
    }

    /// <summary>Takes a name for a container, or makes one up.</summary>
    /// <exception cref="FaultException">Conflict, with Docker's text.</exception>
    public string Reserve(string? name, string id)
    {
        lock (_gate)
        {
            string taken = name ?? ContainerNames.MakeUp(_names.ContainsKey);
            if (!_names.TryAdd(taken, id))
                throw FaultException.Conflict($"Conflict. The container name \"/{taken}\" is already in use by container "
                    + $"\"{_names[taken]}\". You have to remove (or rename) that container to be able to reuse that name.");
            return taken;
        }
    }

    /// <summary>Gives a name back.</summary>
    public void Release(string name)
    {
        lock (_gate)
            _names.Remove(name);
    }

    /// <summary>Makes a container with a reserved name visible, on disk first.</summary>
    public Container Add(ContainerRecord record)
    {
        Save(record);
        Container container = new(record);
        lock (_gate)
            _byId[record.Id] = container;
        return container;
    }

    /// <summary>Removes a container and its name, on disk first.</summary>
    public void Remove(Container container)
    {
        state.Delete(Kinds.Container, container.Id);
        lock (_gate)
        {
            _byId.Remove(container.Id);
            _names.Remove(container.Name);
        }
    }

    /// <summary>Changes a container's record, on disk too.</summary>
    public void Update(Container container, ContainerRecord record)
    {
        Save(record);
        container.Record = record;
    }

    /// <summary>The container of an ID, name or unique prefix.</summary>
    /// <exception cref="FaultException">NotFound; InvalidArgument: several.</exception>
    public Container Find(string id)
    {
        string wanted = id.StartsWith('/') ? id[1..] : id;
        lock (_gate)
        {
            if (_byId.TryGetValue(wanted, out Container? exact))
                return exact;
            if (_names.TryGetValue(wanted, out string? named) && _byId.TryGetValue(named, out exact))
                return exact;
            if (wanted.Length is > 0 and < 64)
            {
                Container[] matches = [.. _byId.Values.Where(c => c.Id.StartsWith(wanted, StringComparison.Ordinal)).Take(2)];
                if (matches.Length == 1)
                    return matches[0];
                if (matches.Length > 1)
                    throw FaultException.Invalid($"Multiple IDs found with provided prefix: {wanted}");
            }
        }
        throw FaultException.NotFound($"No such container: {(id.Length > 300 ? id[..300] + "…" : id)}");
    }

    /// <summary>As <see cref="Find"/>, null when there is none.</summary>
    public Container? TryFind(string id)
    {
        try
        {
            return Find(id);
        }
        catch (FaultException fault) when (fault.Kind is FaultKind.NotFound or FaultKind.InvalidArgument)
        {
            return null;
        }
    }

    private void Save(ContainerRecord record) => state.Put(Kinds.Container, record.Id, record, StateJson.Default.ContainerRecord);
}
