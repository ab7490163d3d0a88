using Berth.Faults;

namespace Berth.Engine;

internal sealed partial class ContainerService
{
    public async Task RenameAsync(string id, string name, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(name))
            throw FaultException.Invalid("Neither old nor new names may be empty");
        Container container = Find(id);
        string wanted = Named(() => ContainerNames.Parse(name));
        await container.Gate.WaitAsync(cancellationToken);
        try
        {
            string old = container.Name;
            if (old == wanted)
                throw FaultException.Invalid("Renaming a container with the same name as its current name");
            Named(() => parts.Containers.Reserve(wanted, container.Id));
            try
            {
                Update(container, record => record with { Name = wanted });
            }
            catch (FaultException)
            {
                parts.Containers.Release(wanted);
                throw;
            }
            parts.Containers.Release(old);
            if (container.Sandbox is { } sandbox)
                parts.Networks.Rename(sandbox, wanted);
            Publish(container.Record, "rename", ("oldName", "/" + old));
        }
        finally
        {
            container.Gate.Release();
        }
    }

    private static string Named(Func<string> name)
    {
        try
        {
            return name();
        }
        catch (FaultException fault)
        {
            throw new FaultException(fault.Kind, $"Error when allocating new name: {fault.Message}", fault);
        }
    }
}
